// P5: what a message costs the head by how many view its document, sends excluded: the handler, its update, deltas as text, and who is told
// through which link. Viewers are of one kind. Four messages: one that touches no policy's input, one that names a single viewer, one that a policy
// reads which asks nobody, and one that a policy reads which asks who it is.
import { randomBytes } from 'node:crypto';
import type { DocumentName, Principal } from '../engine/base/ids.ts';
import type { StandardSchema } from '../engine/document/define.ts';
import { all, document, t as f, open, same, viewerIs } from '../engine/document/define.ts';
import type { Resident } from '../engine/document/document.ts';
import { applySend, createResident, openView } from '../engine/document/document.ts';
import { Audience } from '../host/audience.ts';
import type { Attached } from '../host/front.ts';
import { Front } from '../host/front.ts';
import type { Context, MeasureRow } from './measure.ts';
import { median, row } from './measure.ts';

const counts = [1, 10, 100, 1_000, 10_000];
const messages = ['open', 'named', 'policy', 'who'] as const;
type MessageKind = (typeof messages)[number];
/** Of each kind in a round, by how many view: a policy that asks who it is is asked so often. */
const repeats = (kind: MessageKind, viewers: number): number =>
  kind === 'who' ? Math.max(4, 20_000 / viewers) : 5_000;
const proxies = 2;
const notesHeld = 1_000;

type Message = { readonly kind: MessageKind; readonly value: number };
const anything: StandardSchema<Message> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as Message }) },
};

const table = document({
  title: f.string(''),
  isShown: f.boolean(false),
  count: f.int(0),
  keeper: f.principal(),
  secret: f.int(0),
  notes: f.map(f.record({ text: f.string(''), owner: f.principal(), hand: f.string('') })),
})
  .policies({ shown: ({ doc }) => doc.isShown, mayCount: ({ doc, who }) => doc.count >= 0 && !same(doc.keeper, who) })
  .privacy({
    title: open,
    count: all('mayCount'),
    secret: all('shown'),
    notes: { text: open, hand: viewerIs('owner') },
  })
  .events({ invent: () => true })
  // The clock of this world stands still.
  .limits({ updatesPerSecond: 1_000_000 })
  .channel('send', anything, ({ doc, message: { kind, value }, who }) => {
    const note = doc.notes.get(`n${value % notesHeld}`);
    if (kind === 'policy') doc.isShown = !doc.isShown;
    else if (kind === 'who') doc.count += 1;
    else if (note === undefined) doc.notes.set(`n${value % notesHeld}`, { text: `text ${value}`, owner: who });
    else if (kind === 'named') note.hand = `hand ${value}`;
    else note.text = `text ${value}`;
  });

type Scene = { readonly viewers: number; readonly send: (kind: MessageKind) => void };

export async function measureViewers({ rounds, progress, plot, isQuick }: Context): Promise<MeasureRow[]> {
  const scenes = counts.map(makeScene);
  const found = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round += 1) {
    for (const kind of messages) {
      for (const scene of scenes) {
        const micros = time(scene, kind, Math.ceil(repeats(kind, scene.viewers) / (isQuick ? 4 : 1)));
        // The first round warms up.
        if (round > 0)
          found.set(`${kind} ${scene.viewers}`, [...(found.get(`${kind} ${scene.viewers}`) ?? []), micros]);
      }
    }
  }
  const micros = (kind: MessageKind, viewers: number): number => median(found.get(`${kind} ${viewers}`) ?? []);
  for (const kind of messages) {
    progress(
      `${kind}: ${counts.map((viewers) => `${viewers} viewers ${micros(kind, viewers).toFixed(1)} us`).join(', ')}`,
    );
  }
  const series = messages.map((name) => ({
    name,
    points: counts.map((viewers) => [viewers, micros(name, viewers)] as const),
  }));
  plot({
    id: 'P5',
    title: 'P5: a message by the viewers of its document',
    panels: [{ title: 'cost at the head, sends excluded', x: 'viewers', y: 'us a message', series }],
  });
  const of = (kind: MessageKind, what: string, goal: string | null): MeasureRow => {
    const id = kind === 'open' ? 'P5' : `P5.${kind}`;
    return row({ id, what, value: micros(kind, 10_000), of: micros(kind, 1), unit: 'us', goal });
  };
  return [
    of('open', 'message that touches no policy, 10,000 viewers beside 1', '<= 1.2'),
    of('named', 'one that a single viewer may see', null),
    of('policy', 'one that a policy reads which asks nobody', null),
    of('who', 'one that a policy reads which asks who it is', null),
  ];
}

function time(scene: Scene, kind: MessageKind, times: number): number {
  const startMs = performance.now();
  for (let time = 0; time < times; time += 1) scene.send(kind);
  return ((performance.now() - startMs) * 1_000) / times;
}

function makeScene(viewers: number): Scene {
  const env = { nowMs: Date.now(), randomBytes16: () => randomBytes(16) };
  const resident = createResident(table, 'bench/one' as DocumentName);
  const audience = new Audience();
  const fronts = Array.from(
    { length: proxies },
    () => new Front({ send: () => undefined, close: () => undefined } as never),
  );
  const writer: Principal = { agent: 'writer', authority: 'bench' };
  const session = view(resident, audience, fronts[0] as Front, writer, 'new', env);
  for (let index = 1; index < viewers; index += 1) {
    const who = { agent: `viewer${index}`, authority: 'bench' };
    view(resident, audience, fronts[index % proxies] as Front, who, '', env);
  }
  let n = 0;
  let told = 0;
  const send = (kind: MessageKind): void => {
    n += 1;
    const request = { who: writer, session, n, done: n - 1, channel: 'send', message: { kind, value: n } };
    const sent = applySend(resident, request, env);
    if (sent.result.kind !== 'answered') throw new Error(`refused: ${JSON.stringify(sent.result)}`);
    audience.tell(sent.deltas, resident.seq, (_front, message) => {
      told += message.length;
    });
  };
  for (let note = 0; note < notesHeld; note += 1) send('open');
  if (told === 0) throw new Error('nobody was told anything');
  return { viewers, send };
}

function view(
  resident: Resident,
  audience: Audience,
  front: Front,
  who: Principal,
  session: string,
  env: Parameters<typeof openView>[2],
): string {
  const { result } = openView(resident, { who, session }, env);
  if (result.kind !== 'opened') throw new Error(`not opened: ${JSON.stringify(result)}`);
  audience.join({ front, view: 0, kind: 0 } as unknown as Attached, result.viewer.id, result.viewer.kind.id);
  return result.session;
}
