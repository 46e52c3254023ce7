// Which application a host runs, and how it comes to run another one: with the applications of test/process, and desks that only count.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import type { Test } from 'tap';
import t from 'tap';
import { hashApplication } from '../../host/application.ts';
import type { Code } from '../../host/code.ts';
import { codeOf, deployedBeside, forgetOthers, load } from '../../host/code.ts';
import type { DeployerParts } from '../../host/deploying.ts';
import { Deployer } from '../../host/deploying.ts';

const fileOf = (number: number): string => fileURLToPath(new URL(`../process/counter-${number}.js`, import.meta.url));
const [first, second, third] = [fileOf(1), fileOf(2), fileOf(3)];

type Stage = {
  readonly dir: string;
  readonly code: Code;
  readonly replaced: string[];
  renewed: number;
  readonly tell: (file: string, more?: object) => Promise<unknown>;
};

/** A host that was started with `--app` the first application. */
async function stageOf(t: Test, more: Partial<DeployerParts> = {}): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'levelten-code-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const code = await codeOf(dir, await hashApplication(first), first);
  const replaced: string[] = [];
  const renew = async (): Promise<number> => {
    stage.renewed += 1;
    return 3;
  };
  const deployer = new Deployer({
    dir,
    code,
    replace: ({ file }) => {
      replaced.push(file);
      return () => Promise.resolve();
    },
    desks: () => [{ renew }, { renew }],
    log: pino({ level: 'silent' }),
    ...more,
  });
  const tell = async (file: string, args: object = {}): Promise<unknown> => {
    return await deployer.answer({ file, appHash: await hashApplication(file), ...args });
  };
  const stage: Stage = { dir, code, replaced, renewed: 0, tell };
  return stage;
}

t.test('[D42] a host is asked, and nothing changes; then it is told, and runs it', async (t) => {
  const stage = await stageOf(t);
  const { dir, code, replaced, tell } = stage;
  const [was, is] = [await hashApplication(first), await hashApplication(second)];
  t.match(await tell(second, { isTrial: true }), { was, isRunning: false, verdict: 'allowed', documents: null });
  t.equal(code.runs.appHash, was);
  t.same(replaced, []);
  t.notOk(await deployedBeside(dir, first));
  t.ok(code.mayLead(is), 'who runs it already may lead');
  t.match(await tell(second), { was, documents: 6 });
  t.equal(stage.renewed, 2, 'on each desk');
  t.same(replaced, [second]);
  t.match(await deployedBeside(dir, first), { given: first, file: second, appHash: is, former: was });
  t.ok(code.mayLead(was) && code.mayLead(is));
  t.notOk(code.mayLead('something else'));
  t.match(await tell(second), { isRunning: true, documents: 0 }, 'once');
  t.same(replaced, [second]);
});

t.test('[D42] what is forbidden is refused, and what breaks clients unless that is said', async (t) => {
  const { code, replaced, tell } = await stageOf(t);
  await t.rejects(tell(third, { isBreaking: true }), { code: 'DEPLOY_REFUSED' });
  t.match(await tell(third, { isTrial: true }), { verdict: 'forbidden' });
  await tell(second);
  await t.rejects(tell(first), { code: 'DEPLOY_REFUSED' }, 'an older version breaks clients');
  const less = fileURLToPath(new URL('desk-app.js', import.meta.url));
  await t.rejects(tell(less), { code: 'DEPLOY_REFUSED' }, 'a space less');
  t.equal(code.runs.file, second);
  t.match(await tell(less, { isBreaking: true }), { verdict: 'breaks clients', documents: 6 });
  t.same(replaced, [second, less]);
});

t.test('[D42] what is deployed is the file that was seen, loaded anew; one at a time', async (t) => {
  let go = (): void => {};
  const waiting = new Promise<void>((resolve) => {
    go = resolve;
  });
  const renew = async (): Promise<number> => {
    await waiting;
    return 1;
  };
  const { dir, tell } = await stageOf(t, { desks: () => [{ renew }] });
  await t.rejects(tell(second, { appHash: 'another' }), { code: 'APP_INVALID' });
  await t.rejects(tell(join(dir, 'cluster.json')), { code: 'APP_INVALID' });
  const own = join(dir, 'app.mjs');
  await writeFile(own, `export { default } from ${JSON.stringify(first)};\n`);
  const one = await load(own);
  await writeFile(own, `export { default } from ${JSON.stringify(second)};\n`);
  const two = await load(own);
  t.same(
    [one, two].map(({ spaces }) => spaces['counter']?.version),
    [1, 2],
    'by what stands in it now',
  );
  const deploying = tell(own);
  while ((await deployedBeside(dir, first)) === undefined) await new Promise((resolve) => setImmediate(resolve));
  await t.rejects(tell(second), { code: 'HOST_OPTIONS' }, 'one is under way');
  go();
  t.match(await deploying, { documents: 1 });
});

t.test('[D42] a start runs what was deployed beside its --app, and remembers what was before', async (t) => {
  const { dir, tell } = await stageOf(t);
  const hashes = await Promise.all([first, second].map(hashApplication));
  await tell(second);
  const again = await codeOf(dir, hashes[0] ?? '', first);
  t.equal(again.runs.file, second);
  t.same(
    hashes.map((hash) => again.mayLead(hash)),
    [true, true],
    'hosts that have not taken it yet lead, too',
  );
  const other = await codeOf(dir, hashes[0] ?? '', second);
  t.equal(other.runs.file, second);
  t.notOk(other.mayLead(hashes[1] ?? ''), 'another --app is none that was deployed: it follows (H2)');
  await forgetOthers(dir, first);
  t.ok(await deployedBeside(dir, first));
  await forgetOthers(dir, second);
  t.notOk(await deployedBeside(dir, first));
  t.equal((await codeOf(dir, hashes[0] ?? '', first)).runs.file, first);
  await writeFile(join(dir, 'deployed.json'), '{');
  await t.rejects(codeOf(dir, '', first), { code: 'HOST_OPTIONS' });
});

t.test('[D41] [D42] what a field left behind is remembered over deploys and starts', async (t) => {
  const { dir, tell } = await stageOf(t);
  const app = (
    shape: string,
  ): string => `import { app, document, t } from ${JSON.stringify(fileURLToPath(new URL('../../engine/document/define.js', import.meta.url)))};
export default app({ spaces: { counter: document(${shape}) } });\n`;
  const files = ['{}', '{ value: t.string() }', '{ value: t.int() }'].map(
    (shape, at) => [join(dir, `${at}.mjs`), app(shape)] as const,
  );
  for (const [file, text] of files) await writeFile(file, text);
  const [none, text, number] = files.map(([file]) => file) as [string, string, string];
  await tell(none, { isBreaking: true });
  t.match(JSON.parse(await readFile(join(dir, 'deployed.json'), 'utf8')), {
    spaces: { counter: { gone: { value: { kind: 'int' } } } },
  });
  await t.rejects(tell(text, { isBreaking: true }), { code: 'DEPLOY_REFUSED' });
  const again = await codeOf(dir, '', first);
  t.match(again.runs.spaces, { counter: { gone: { value: { kind: 'int' } } } });
  t.match(await tell(number), { verdict: 'allowed' });
});
