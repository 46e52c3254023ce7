// What `levelten doctor` thinks of what it measured: each verdict on both sides of where it turns, and what to do with each that is not ok.
import t from 'tap';
import {
  clockStepMsMax,
  freeBytesLook,
  freeBytesWrong,
  skewMsLook,
  skewMsWrong,
  stuckMs,
  syncMsLook,
} from '../../engine/base/limits.ts';
import type { Line, Port, SecretFile, Verdict } from '../../host/doctor.ts';
import * as doctor from '../../host/doctor.ts';

type Case = readonly [line: Line, verdict: Verdict, what?: RegExp];

function holds(title: string, cases: readonly Case[]): void {
  t.test(`[H11] ${title}`, async (t) => {
    for (const [line, verdict, what] of cases) {
      t.equal(line.verdict, verdict, `${line.check}: ${line.what}`);
      t.equal(line.todo === undefined, verdict === 'ok', 'what is not ok says what to do');
      if (what !== undefined) t.match(`${line.what} ${line.todo}`, what);
    }
  });
}

const { judgeNode, judgeLevel, judgePorts, judgeSync, judgeClock, judgeSkew, skewOf } = doctor;
const { judgeOpenFiles, judgeFileSize, judgeSpace, judgeFileSystem, judgeSecrets, judgeAsides } = doctor;
const infinite = Number.POSITIVE_INFINITY;

holds('versions', [
  [judgeNode('v20.15.0', '>=20.15'), 'ok'],
  [judgeNode('v22.1.0', '>=20.15'), 'ok'],
  [judgeNode('v20.14.9', '>=20.15'), 'wrong', /newer Node/],
  [judgeNode('v9.99.0', '>=20.15'), 'wrong'],
  [judgeLevel('3.0.0', '1.20'), 'ok', /classic-level 3.0.0 with LevelDB 1.20/],
  [judgeLevel('3.1.0', undefined), 'ok'],
  [judgeLevel('4.0.0', '1.20'), 'look'],
  [judgeLevel('3.0.0', '1.23'), 'look'],
  [judgeLevel(undefined, undefined), 'wrong', /npm ci/],
]);

const port = (isTaken: boolean, isOurs: boolean): Port => ({ who: 'h1', address: '127.0.0.1:7102', isTaken, isOurs });
holds('ports', [
  [judgePorts([port(false, false)], false), 'ok', /free/],
  [judgePorts([port(true, true)], true), 'ok', /ours/],
  [judgePorts([port(true, true), port(false, false)], true), 'look', /nobody listens: h1/],
  [judgePorts([port(true, false)], false), 'wrong', /h1 127\.0\.0\.1:7102 .*--port-base/],
  [judgePorts([port(true, false), port(true, true)], true), 'look', /does not answer as ours: h1/],
]);

holds('syncs', [
  [judgeSync([1, 2, 3]), 'ok', /takes 2 ms, at worst 3 of 3/],
  [judgeSync([0.5, syncMsLook, stuckMs - 1]), 'ok'],
  [judgeSync([0.5, syncMsLook + 1, 30]), 'look', /faster/],
  [judgeSync([0.01, 0.01, 1]), 'look', /loses synced writes/],
  [judgeSync([1, 1, stuckMs]), 'wrong', /left out of its chains/],
  [judgeSync('EACCES: no'), 'wrong', /EACCES: no/],
]);

const now = Date.UTC(2026, 0, 1);
holds('clocks', [
  [judgeClock(now, clockStepMsMax, 200), 'ok'],
  [judgeClock(now, -clockStepMsMax - 1, 200), 'look', /slow/],
  [judgeClock(now, clockStepMsMax + 1, 200), 'look', /fast/],
  [judgeClock(0, 0, 200), 'wrong', /1970/],
  [judgeSkew([]), 'ok', /no host runs/],
  [judgeSkew([{ host: 'h1', skewMs: skewMsLook }]), 'ok'],
  [
    judgeSkew([
      { host: 'h1', skewMs: 3 },
      { host: 'h2', skewMs: -skewMsLook - 1 },
    ]),
    'look',
    /furthest h2/,
  ],
  [judgeSkew([{ host: 'h1', skewMs: skewMsWrong + 1 }]), 'wrong'],
]);

t.test('[H11] a clock that was read between two moments of ours may be right', async (t) => {
  t.same(
    [99, 100, 105, 110, 111].map((wallMs) => skewOf(wallMs, 100, 110)),
    [-1, 0, 0, 0, 1],
  );
});

holds('limits and space', [
  [judgeOpenFiles(infinite), 'ok'],
  [judgeOpenFiles(1_048_576), 'ok'],
  [judgeOpenFiles(4_096), 'look', /ulimit -n/],
  [judgeOpenFiles(1_024), 'wrong', /ulimit -n/],
  [judgeOpenFiles(undefined), 'ok'],
  [judgeFileSize(infinite), 'ok'],
  [judgeFileSize(1024 ** 3), 'look', /ulimit -f/],
  [judgeFileSize(1024 ** 2), 'wrong', /ends the host/],
  [judgeFileSize(undefined), 'ok'],
  [judgeSpace(freeBytesLook), 'ok', /5120 MiB/],
  [judgeSpace(freeBytesLook - 1), 'look'],
  [judgeSpace(freeBytesWrong - 1), 'wrong'],
]);

holds('file systems, by what statfs says, which may be signed', [
  [judgeFileSystem(0xef53), 'ok', /ext4/],
  [judgeFileSystem(0x9123_683e | 0), 'ok', /btrfs/],
  [judgeFileSystem(0x0102_1994), 'wrong', /tmpfs.*gone with the power/],
  [judgeFileSystem(0x6969), 'wrong', /NFS/],
  [judgeFileSystem(0xff53_4d42 | 0), 'wrong', /CIFS/],
  [judgeFileSystem(0x794c_7630), 'look', /overlayfs/],
  [judgeFileSystem(0x1234), 'ok', /0x1234/],
  [judgeFileSystem(undefined), 'ok'],
]);

const secret = (changes: Partial<SecretFile>): SecretFile => {
  return { file: 'd/secret', mode: 0o600, isOurs: true, isSecret: true, ...changes };
};
holds('secrets', [
  [judgeAsides([]), 'ok'],
  [judgeAsides([{ name: 'h2/aside-1', why: 'ENGINE_LOST: gone' }]), 'look', /h2\/aside-1; the first: ENGINE_LOST/],
  [judgeSecrets([]), 'ok'],
  [judgeSecrets([secret({}), secret({ mode: 0o400 }), secret({ file: 'd', mode: 0o700, isSecret: false })]), 'ok'],
  [judgeSecrets([secret({ mode: 0o640 })]), 'wrong', /chmod 600 d\/secret/],
  [judgeSecrets([secret({}), secret({ file: 'd', mode: 0o755, isSecret: false })]), 'look', /chmod 700 d/],
  [judgeSecrets([secret({ isOurs: false })]), 'look', /another user/],
]);
