// The tests of desks once more, with their documents in threads: nobody can tell which ([D29]).
import t from 'tap';
import { threadHeapMbMax } from '../../engine/base/limits.ts';
import { DeskStage } from './desk-stage.ts';
import { poolOf } from './pool.ts';

const nowMs = (): number => DeskStage.newest?.clock.nowMs ?? 0;
DeskStage.pool = await poolOf(t, 2, threadHeapMbMax, { nowMs });
await import('./full.test.ts');
await import('./unreadable.test.ts');
await import('./history.test.ts');
await import('./deletion.test.ts');
await import('./quotas.test.ts');
await import('./quotas-edges.test.ts');
await import('./ephemera.test.ts');
await import('./speaking.test.ts');
