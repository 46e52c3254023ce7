// Which line of a host's log is a finding, and whose.
import t from 'tap';
import { findingOfExit, findingsIn, type LogLine, parseLog } from '../../bench/torture/findings.ts';

const corrupt = { code: 'ENGINE_CORRUPT', message: 'record 3 has a wrong checksum' };
const started: LogLine = { level: 30, time: 30, msg: 'host started' };

t.test('a log is read line by line, and half a line is none', async (t) => {
  const text = '{"level":30,"time":1,"msg":"a"}\n{"level":30,"time":2,"msg":"b"}\n{"level":30,"ti';
  t.same(
    parseLog(text).map(({ msg }) => msg),
    ['a', 'b'],
  );
  t.same(parseLog(''), []);
});

t.test('what ends a host is found by its opening, by a read or by a write', async (t) => {
  const fatal = (time: number, err: LogLine['err'] = corrupt): LogLine => {
    return { level: 60, time, msg: 'this host ends', ...(err === undefined ? {} : { err }) };
  };
  const by = (lines: readonly LogLine[], downs: readonly number[]) =>
    findingsIn('h1', lines, downs).map((one) => one.by);
  t.same(by([fatal(10)], []), ['read']);
  t.same(by([fatal(10)], [5]), ['open'], 'it was killed before, and is opening');
  t.same(by([fatal(10)], [15]), ['read'], 'it was killed after');
  t.same(by([started, fatal(40)], [5]), ['read'], 'it had opened');
  t.same(by([fatal(10), fatal(20)], []), ['read', 'open'], 'the second is that of the next process');
  t.same(by([started, fatal(40, { code: 'LEVEL_IO_ERROR', message: 'File too large' })], []), ['write']);
  const locked = { code: 'ENGINE_LOCKED', message: 'process 1 has it open' };
  t.same(by([fatal(10, locked), fatal(20)], []), ['lock', 'read'], 'a second process wrote the first line');
  t.same(findingsIn('h1', [{ level: 60, time: 1, msg: 'this host ends' }], []), [
    { host: 'h1', by: 'write', code: 'no code', message: 'this host ends' },
  ]);
});

t.test(
  'a store that is set aside, and what LevelDB says, are findings; others are not, and none is said twice',
  async (t) => {
    const aside: LogLine = {
      level: 50,
      time: 20,
      msg: 'the store is not believed: it is set aside, and another begins, which joins',
      err: corrupt,
    };
    const level: LogLine = {
      level: 40,
      time: 19,
      msg: 'LevelDB tells of a loss: all of the store is walked',
      lines: ['2026/11/23-07:28:23.734797 7f07227bf6c0 000006.log: dropping 5 bytes; Corruption: checksum mismatch'],
    };
    const link: LogLine = { level: 40, time: 21, msg: 'a link broke', err: { message: 'ECONNRESET' } };
    t.same(findingsIn('h1', [level, aside, link, started, aside], [10]), [
      { host: 'h1', by: 'LOG', code: 'LOG', message: '000006.log: dropping 5 bytes; Corruption: checksum mismatch' },
      { host: 'h1', by: 'open', ...corrupt },
    ]);
  },
);

t.test('what an error says of its cause is not said twice', async (t) => {
  const said = (message: string) =>
    findingsIn('h1', [{ level: 60, time: 1, err: { code: 'X', message } }], [])[0]?.message;
  t.equal(said('does not open: Corruption: bad: Corruption: bad'), 'does not open: Corruption: bad');
  t.equal(said('record 9: a wrong checksum: a wrong checksum'), 'record 9: a wrong checksum');
  t.equal(said('a: b: c'), 'a: b: c');
});

t.test('the last words of a process name their code', async (t) => {
  const said = 'levelten: h2 ends: ENGINE_LOCKED: process 12 has /x/h2 open\n';
  t.same(findingOfExit('h2', said), {
    host: 'h2',
    by: 'lock',
    code: 'ENGINE_LOCKED',
    message: 'process 12 has /x/h2 open',
  });
  t.equal(findingOfExit('h2', 'Segmentation fault'), undefined);
});
