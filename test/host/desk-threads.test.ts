// The tests of desks once more, with their documents in threads: nobody can tell which ([D29]).
import t from 'tap';
import { DeskStage } from './desk-stage.ts';
import { poolOf } from './pool.ts';

DeskStage.pool = await poolOf(t, 2);
await import('./full.test.ts');
await import('./unreadable.test.ts');
await import('./history.test.ts');
await import('./deletion.test.ts');
await import('./ephemera.test.ts');
await import('./speaking.test.ts');
