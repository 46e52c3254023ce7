// Whole clusters, as a user starts them: three hosts and a proxy as processes, real disks, real clients.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { WebSocket } from 'ws';
import { Cluster, startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import type { View } from '../../engine/document/define.ts';
import type { Definition } from '../../engine/document/document.ts';
import board from '../../examples/board/app.ts';
import { connect } from '../../proxy/client/node.ts';
import { readDisk, runCommand, stateOf, untilView } from './kit.ts';

type Board = View<(typeof board)['spaces']['board']>;
const definition = board.spaces['board'] as Definition;

t.test('[C5] [C6] [C18] [D4] an answer is on three disks, and each viewer sees only its own', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const [alice, bob] = ['alice', 'bob'].map((as) => connect(cluster.ready.proxy, { as }));
    const [ofAlice, ofBob] = [alice, bob].map((client) => client?.open<Board>('board/main'));
    if (ofAlice === undefined || ofBob === undefined) throw new Error('two clients are connected');
    await ofAlice.send('write', { text: 'for all' });
    await ofAlice.send('add', { text: 'for alice alone', isHidden: true });
    await ofBob.send('add', { text: 'for bob alone', isHidden: true });
    const seen = await untilView(ofBob, (view) => view.text === 'for all' && view.notes.length > 0);
    t.same(textsOf(seen.notes), ['for bob alone']);
    t.same(textsOf((await untilView(ofAlice, (view) => view.text === 'for all')).notes), ['for alice alone']);
    const got = await runCommand('get', 'board/main', '--as', 'carol', '--dir', cluster.dir);
    t.notMatch(got.out, /alone/, 'a third sees neither note');
    alice?.close();
    bob?.close();
    t.equal(statSync(join(cluster.dir, 'admin-token')).mode & 0o777, 0o600);
    t.equal(await cluster.end(), 0);
    const disks = await Promise.all(['h1', 'h2', 'h3'].map((host) => readDisk(cluster, host, 8, definition)));
    for (const disk of disks) {
      t.same(disk.hashes, disks[0]?.hashes, 'the logs of all hosts are one');
      const state = stateOf(disk.documents.get('board/main')) as { text: string; notes: object };
      t.equal(state.text, 'for all');
      t.same(textsOf(Object.values(state.notes)).sort(), ['for alice alone', 'for bob alone']);
    }
  });
});

t.test('[C13] [C15] a killed host comes back, and then all of them, and nothing answered is missing', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const client = connect(cluster.ready.proxy, { as: 'alice' });
    const document = client.open<Board>('board/main');
    await document.send('write', { text: '1' });
    const heads = await runCommand('status', '--json', '--dir', cluster.dir);
    const before = JSON.parse(heads.out) as StatusLine;
    t.same(
      before.chains.map(({ serving }) => serving),
      Array(8).fill(true),
    );
    for (const host of ['h1', 'h2', 'h3']) {
      const again = cluster.next(host, 'started');
      cluster.kill(host);
      // Sent into the gap: the proxy keeps it, and sends it again when the chain serves.
      const { seq } = await document.send('write', { text: host });
      t.ok(seq > 2, `answered as update ${seq}`);
      await again;
    }
    const after = JSON.parse((await runCommand('status', '--json', '--dir', cluster.dir)).out) as StatusLine;
    for (const { chain, epoch } of after.chains) {
      t.ok(epoch > (before.chains[chain]?.epoch ?? 0), `chain ${chain} runs in a new epoch`);
    }
    const inFlight = Array.from({ length: 20 }, (_, index) => document.send('write', { text: `${index}` }));
    await cluster.killAll();
    const restarted = await restart(cluster);
    stage.onRelease(() => restarted.end());
    const answers = await Promise.all(inFlight);
    const seqs = answers.map(({ seq }) => seq);
    t.same(
      seqs,
      [...seqs].sort((a, b) => a - b),
      'in the order of sending',
    );
    t.equal(new Set(seqs).size, 20, 'each once');
    t.equal((await untilView(document, (view) => view.text === '19')).text, '19');
    client.close();
  });
});

t.test('[F7] [F12] [F13] what a client sends wrong gets a code, writes nothing and breaks nothing', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const { proxy } = cluster.ready;
    const frames = await say(proxy, [
      '{"t":"hello","as":"mallory"}',
      '{broken',
      '{"t":"open","doc":"nowhere/main"}',
      '{"t":"open","doc":"board/../etc"}',
      '{"t":"open","doc":"board/main","session":"new"}',
    ]);
    t.same(frames.map(codeOf), ['welcome', 'FRAME_INVALID', 'SPACE_UNKNOWN', 'DOCUMENT_NAME', 'view']);
    const seq = frames.at(-1)?.seq as number;
    const send = (n: number, channel: string, message: string): string => {
      return `{"t":"send","doc":"board/main","n":${n},"done":0,"channel":"${channel}","message":${message}}`;
    };
    const refused = await say(proxy, [
      '{"t":"hello","as":"mallory"}',
      '{"t":"open","doc":"board/main","session":"new"}',
      send(1, 'nochannel', '{}'),
      send(1, 'write', '{"text":5}'),
      send(1, 'write', '{"text":"x","__proto__":{"a":1}}'),
      send(2, 'write', '{"text":"x"}'),
      send(0, 'write', '{"text":"x"}'),
      `{"t":"send","doc":"board/main","n":"1","done":0,"channel":"write","message":{}}`,
    ]);
    const codes = [
      'CHANNEL_UNKNOWN',
      'MESSAGE_INVALID',
      'FRAME_INVALID',
      'SESSION_GAP',
      'FRAME_INVALID',
      'FRAME_INVALID',
    ];
    t.same(refused.map(codeOf).slice(2), codes);
    const large = await say(proxy, ['{"t":"hello","as":"mallory"}', `{"t":"x","y":"${'x'.repeat(10_000_000)}"}`], 1009);
    t.same(large.map(codeOf), ['welcome', 'FRAME_TOO_BIG']);
    const expired = await say(proxy, [
      '{"t":"hello","as":"mallory"}',
      `{"t":"open","doc":"board/main","session":"${'0'.repeat(32)}"}`,
    ]);
    t.same(expired.map(codeOf), ['welcome', 'SESSION_EXPIRED']);
    const last = (await say(proxy, ['{"t":"hello","as":"m"}', '{"t":"open","doc":"board/main"}'])).at(-1);
    t.equal(last?.seq, seq + 1, 'nothing but the second session was written');
  });
});

t.test('[H2] a host that runs another application follows and does not lead', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const other = new URL('../../bench/end-to-end-app.js', import.meta.url).pathname;
    await cluster.end();
    // By hand, as an operator would in the middle of a rollout: h3 still runs the old application.
    const main = new URL('../../host/cli/main.js', import.meta.url).pathname;
    const start = (...words: string[]) => {
      const child = spawn(process.execPath, [main, ...words, '--dir', cluster.dir], { stdio: 'inherit' });
      stage.onRelease(() => child.kill('SIGTERM'));
    };
    for (const id of ['h1', 'h2']) start('host', '--id', id);
    start('host', '--id', 'h3', '--app', other);
    start('proxy');
    const called = await runCommand(
      'call',
      'board/main',
      'write',
      '{"text":"x"}',
      '--as',
      'a',
      '--dir',
      cluster.dir,
      '--wait',
      '20',
    );
    t.equal(called.code, 0, called.err);
    // Chains begin with those who came first; it joins them.
    let isFollowing = false;
    for (let tries = 0; !isFollowing && tries < statusTriesMax; tries += 1) {
      const { hosts, chains } = JSON.parse(
        (await runCommand('status', '--json', '--dir', cluster.dir)).out,
      ) as StatusLine;
      if (chains.some(({ head, serving }) => serving && head === 'h3')) t.fail('h3 heads a chain');
      const line = hosts.find(({ host }) => host === 'h3')?.status;
      isFollowing = line?.chains.some(({ state }) => state === 'serving') === true;
    }
    t.ok(isFollowing, 'it follows');
  });
});

const statusTriesMax = 200;

type StatusLine = {
  readonly hosts: readonly {
    readonly host: string;
    readonly status: { readonly chains: readonly { state: string }[] } | null;
  }[];
  readonly chains: readonly {
    readonly chain: number;
    readonly epoch: number;
    readonly head: string;
    readonly serving: boolean;
  }[];
};

type Frame = { readonly t: string; readonly code?: string; readonly seq?: number };

function codeOf(frame: Frame): string {
  return frame.code ?? frame.t;
}

/** Of notes; the state has other things beside them. */
function textsOf(notes: readonly { readonly text?: string }[]): string[] {
  return notes.flatMap(({ text }) => text ?? []);
}

async function restart(cluster: Cluster): Promise<Cluster> {
  const port = Number(new URL(cluster.ready.proxy).port);
  return Cluster.start({ dir: cluster.dir, portBase: port });
}

/** Says frames one by one, each after an answer to the one before; resolves with the answers. */
async function say(url: string, frames: readonly string[], closeCode?: number): Promise<Frame[]> {
  const socket = new WebSocket(url, ['levelten.v1.json']);
  const closed = once(socket, 'close');
  const heard: Frame[] = [];
  const queue = [...frames];
  await once(socket, 'open');
  const answered = new Promise<void>((done) => {
    socket.on('message', (data) => {
      for (const line of String(data).split('\n')) {
        const frame = JSON.parse(line) as Frame;
        if (frame.t === 'status') continue;
        heard.push(frame);
        const next = queue.shift();
        if (next === undefined) done();
        else socket.send(next);
      }
    });
  });
  socket.send(queue.shift() ?? '');
  await answered.then(() => (closeCode === undefined ? socket.close() : undefined));
  const [code] = (await closed) as [number];
  if (closeCode !== undefined && code !== closeCode) throw new Error(`closed with ${code}, not ${closeCode}`);
  return heard;
}
