// The command line as people type it, and what a host does when its disk says no.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { WebSocket } from 'ws';
import { Cluster, startCluster } from '../../bench/cluster.ts';
import { onStage } from '../../bench/processes.ts';
import { connect } from '../../proxy/client/node.ts';
import { runCommand } from './kit.ts';

t.test('[H1] [H3] up starts, restarts and ends; its secrets are its own; the commands speak', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const at = ['--dir', cluster.dir];
    for (const file of ['secret', 'admin-token']) t.equal(statSync(join(cluster.dir, file)).mode & 0o777, 0o600, file);
    const called = await runCommand('call', 'board/main', 'write', '{"text":"hi"}', '--as', 'alice', '--json', ...at);
    t.same(JSON.parse(called.out), { seq: 3, value: null });
    const got = await runCommand('get', 'board/main', '--as', 'bob', '--json', ...at);
    t.match(JSON.parse(got.out), { seq: 3, view: { text: 'hi', editedBy: { agent: 'alice' } } });
    const running = await runCommand('log', '--host', 'h2', '--chain', '5', '--json', ...at);
    t.match(JSON.parse(running.out.trim().split('\n').at(-1) ?? ''), { lsn: 3, documents: [{ name: 'board/main' }] });
    const second = await runCommand('up', ...at, '--port-base', '7999');
    t.match(second.err, /HOST_OPTIONS: process \d+ keeps a cluster in/, 'a folder is kept by one');
    const exited = cluster.next('proxy', 'exited');
    const started = cluster.next('proxy', 'started');
    cluster.kill('proxy');
    await Promise.all([exited, started]);
    t.equal((await runCommand('get', 'board/main', '--as', 'bob', ...at)).code, 0, 'the proxy is back');
    t.equal(await cluster.end(), 0, 'all of it has ended');
    const stopped = await runCommand('log', '--host', 'h2', '--chain', '5', '--json', ...at);
    // What was quiet for a while is folded, and its log trimmed.
    t.ok(running.out.endsWith(stopped.out.trimStart()), 'the log of a stopped host reads the same');
  });
});

t.test('[H3] nobody speaks on the port of a host without the secret, and no browser does', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const address = cluster.ready.hosts[0]?.address;
    for (const path of ['/chain', '/front', '/']) {
      for (const headers of [{}, { authorization: 'Bearer guess' }, { origin: cluster.ready.page }]) {
        const socket = new WebSocket(`ws://${address}${path}`, { headers });
        const [error] = (await once(socket, 'error')) as [Error];
        t.match(error.message, /403/, `${path} ${JSON.stringify(headers)}`);
      }
    }
    t.match(await fetch(`${cluster.ready.admin}/status`).then(({ status }) => status), 401);
  });
});

t.test('[H4] words that are wrong, ports that are taken, folders that are none: each says what to do', async (t) => {
  await onStage(async (stage) => {
    const taken = createServer();
    stage.onRelease(() => new Promise<void>((done) => taken.close(() => done())));
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
    const portBase = (taken.address() as AddressInfo).port - 3;
    const up = await runCommand('up', '--dir', stage.folder(), '--port-base', `${portBase}`);
    t.equal(up.code, 1);
    t.match(up.err, /PORT_TAKEN: 127\.0\.0\.1:\d+ is in use: .*--port-base/);
    t.match((await runCommand('status', '--dir', stage.folder())).err, /HOST_OPTIONS: .*levelten up/);
    t.match((await runCommand('fly')).err, /CLI_USAGE: there is no command fly/);
    t.match((await runCommand('call', 'board/main')).err, /CLI_USAGE: JSON is missing; for example: levelten call/);
    t.match((await runCommand('up', '--hosts', 'x')).err, /CLI_USAGE: --hosts is a whole number/);
    t.match((await runCommand('up', '--app', 'no.js', '--dir', stage.folder())).err, /APP_INVALID/);
    t.match((await runCommand('status', '--hosts', '5')).err, /CLI_USAGE: --hosts is no option of levelten status/);
    t.match((await runCommand('drain', 'h1', 'h2')).err, /CLI_USAGE: levelten drain does not take the word h2/);
    t.match((await runCommand('help')).out, /levelten up/);
  });
});

t.test('[E2] a host whose disk refuses a write ends, and what was answered is on all disks', async (t) => {
  await onStage(async (stage) => {
    const cluster = await startCluster(stage);
    const client = connect(cluster.ready.proxy, { as: 'alice' });
    const document = client.open<{ text?: string }>('board/main');
    await document.send('write', { text: 'before' });
    client.close();
    await cluster.end();
    // The same cluster by hand, with one host that may not write files beyond a size: its log cannot grow.
    const main = fileURLToPath(new URL('../../host/cli/main.js', import.meta.url));
    const children: ChildProcess[] = [];
    const shell = (limit: string, ...words: string[]) => {
      const line = `${limit}exec '${process.execPath}' '${main}' ${words.join(' ')} --dir '${cluster.dir}'`;
      const child = spawn('bash', ['-c', line], { stdio: ['ignore', 'ignore', 'pipe'] });
      stage.onRelease(() => child.kill('SIGKILL'));
      children.push(child);
      return child;
    };
    shell('', 'host', '--id', 'h1');
    shell('', 'host', '--id', 'h2');
    shell('', 'proxy');
    const limited = shell('ulimit -f 256; ', 'host', '--id', 'h3');
    const said: string[] = [];
    limited.stderr.on('data', (data) => said.push(String(data)));
    const ended = once(limited, 'exit');
    const writer = connect(cluster.ready.proxy, { as: 'alice' });
    const target = writer.open<{ text?: string }>('board/main');
    let answered = 'before';
    const load = async (): Promise<void> => {
      for (let count = 0; count < 1_000; count += 1) {
        const text = `${count} ${'x'.repeat(4_000)}`;
        await target.send('write', { text });
        answered = text;
      }
    };
    const broken = load().catch(() => undefined);
    const [code] = (await ended) as [number];
    t.equal(code, 70, said.join(''));
    t.match(said.join(''), /h3 ends/);
    writer.close();
    await broken;
    t.not(answered, 'before', 'it was answered until then');
    for (const child of children) {
      if (child.exitCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    const again = await Cluster.start({ dir: cluster.dir, portBase: Number(new URL(cluster.ready.proxy).port) });
    const reader = connect(again.ready.proxy, { as: 'bob' });
    const view = reader.open<{ text?: string }>('board/main', { readOnly: true });
    const text = await new Promise<string | undefined>((done) => view.subscribe((seen) => done(seen.text)));
    t.ok(Number(text?.split(' ')[0]) >= Number(answered.split(' ')[0]), 'the last answer, or what was sent after it');
    reader.close();
    await again.end();
  });
});
