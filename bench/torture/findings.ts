// What a host's log says of its store: which line is a finding, who made it, and by which name. Pure: lines in, findings out.

/**
 * Who found it.
 *
 *   open    the host, when it opened its store, or refused to
 *   LOG     LevelDB, in its own LOG, which the host reads
 *   read    a read of the running host
 *   write   a write of the running host was rejected
 *   voters  the list of voters, which has the host's name with another store
 *   lock    a second process, which went away again
 *   verify  nobody but a walk over everything: the scrub's, or that of `levelten verify`
 */
export type Finder = 'open' | 'LOG' | 'read' | 'write' | 'voters' | 'lock' | 'verify';

export type Finding = { readonly host: string; readonly by: Finder; readonly code: string; readonly message: string };

/** A line of host.log, as far as it matters here. Times are those of the system's clock, in ms. */
export type LogLine = {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly aside?: string;
  readonly lines?: readonly string[];
  readonly err?: { readonly code?: string; readonly message?: string };
};

const fatalLevel = 60;
const started = 'host started';
/** What stands before each line of LevelDB's LOG: when, and which thread. */
const stamp = /^\d+\/\d+\/\d+-[\d:.]+ [0-9a-f]+ /;
const setAside = /^the store is not believed/;

/** The lines of a log; one that was cut off is none. */
export function parseLog(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    try {
      return [JSON.parse(line) as LogLine];
    } catch {
      return [];
    }
  });
}

/** `downAtMs`: when the host was killed here. From then, and from each end of its own, until it says that it started, it is opening. */
export function findingsIn(host: string, lines: readonly LogLine[], downAtMs: readonly number[]): Finding[] {
  const found: Finding[] = [];
  const downs = [...downAtMs];
  let isOpening = false;
  for (const { level, time, msg = '', lines: ofLevel, err } of lines) {
    while (downs[0] !== undefined && time >= downs[0]) {
      downs.shift();
      isOpening = true;
    }
    if (msg === started) isOpening = false;
    const named = { host, code: err?.code ?? 'no code', message: withoutEcho(err?.message ?? msg) };
    if (ofLevel !== undefined)
      found.push({ host, by: 'LOG', code: 'LOG', message: (ofLevel[0] ?? '').replace(stamp, '') });
    else if (setAside.test(msg)) found.push({ ...named, by: 'open' });
    else if (level >= fatalLevel) {
      // A second process writes into the same log: the first one goes on.
      const isSecond = named.code === 'ENGINE_LOCKED';
      found.push({ ...named, by: isSecond ? 'lock' : isOpening ? 'open' : finderOf(named.code) });
      isOpening ||= !isSecond;
    }
  }
  return withoutRepeats(found);
}

export function withoutRepeats(found: readonly Finding[]): Finding[] {
  return found.filter((one, index) => !found.slice(0, index).some((other) => isSame(one, other)));
}

/** An error is logged with the words of its causes behind it, which it often ends with already. */
function withoutEcho(message: string): string {
  for (let at = message.indexOf(': '); at >= 0; at = message.indexOf(': ', at + 1)) {
    if (message.slice(0, at).endsWith(message.slice(at + 2))) return message.slice(0, at);
  }
  return message;
}

function finderOf(code: string): Finder {
  return code.startsWith('ENGINE_') ? 'read' : 'write';
}

function isSame(a: Finding, b: Finding): boolean {
  return a.host === b.host && a.by === b.by && a.code === b.code && a.message === b.message;
}

/** What a process said on its way out: `... ends: CODE: text`. */
export function findingOfExit(host: string, text: string): Finding | undefined {
  const match = /([A-Z]+(?:_[A-Z]+)+): (.+)/.exec(text);
  if (match === null) return undefined;
  return { host, by: 'lock', code: match[1] ?? '', message: match[2] ?? '' };
}
