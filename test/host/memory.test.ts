// Which documents stay in memory (D22).
import t from 'tap';
import { memoryLooksMax } from '../../engine/base/limits.ts';
import { Memory, type Tenant } from '../../host/memory.ts';

class Guest implements Tenant {
  size = 10;
  isNeeded = false;
  isGone = false;
  bytes = (): number => this.size;
  mayLeave = (): boolean => !this.isNeeded;
  leave = (): void => {
    this.isGone = true;
  };
}

t.test('[D22] who was used least lately leaves first, and no more than have to', async (t) => {
  const memory = new Memory(30);
  const guests = [new Guest(), new Guest(), new Guest()] as const;
  for (const guest of guests) memory.used(guest);
  memory.used(guests[0]);
  t.same([memory.documents, memory.bytes], [3, 30]);
  memory.used(new Guest());
  t.same(
    guests.map(({ isGone }) => isGone),
    [false, true, false],
  );
  t.same([memory.documents, memory.bytes], [3, 30]);
});

t.test(
  '[D22] who is viewed or not committed stays; who grows makes others leave; who uses it stays itself',
  async (t) => {
    const memory = new Memory(30);
    const guests = [new Guest(), new Guest(), new Guest()] as const;
    guests[0].isNeeded = true;
    for (const guest of guests) memory.used(guest);
    guests[2].size = 25;
    memory.used(guests[2]);
    t.same(
      guests.map(({ isGone }) => isGone),
      [false, true, false],
    );
    t.equal(memory.bytes, 35, 'more than there should be, and nobody can leave');
    guests[2].size = 100;
    memory.used(guests[2]);
    t.notOk(guests[2].isGone);
    memory.gone(guests[2]);
    memory.gone(guests[2]);
    t.same([memory.documents, memory.bytes], [1, 10]);
  },
);

t.test('[D22] a look asks a bounded number, and the next one goes on behind them', async (t) => {
  const memory = new Memory(0);
  const guests = Array.from({ length: memoryLooksMax + 2 }, () => {
    const guest = new Guest();
    guest.isNeeded = true;
    memory.used(guest);
    return guest;
  });
  const last = guests.at(-1) as Guest;
  last.isNeeded = false;
  for (let looks = 0; looks < 3 && !last.isGone; looks += 1) memory.used(guests[0] as Guest);
  t.ok(last.isGone);
});
