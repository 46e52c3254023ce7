// Folders that are gone, old, or another's, and what a host keeps beside its store.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { slotEvery } from '../../engine/store/watermark.ts';
import { flipAt, flipBit, remove, replaceFolder, swapFolders } from './damage.ts';
import type { Case, Fate } from './judge.ts';
import type { Scene } from './scene.ts';

const aside: readonly Fate[] = ['set aside'];
/** Within both slots of a watermark: behind version and length of the id. */
const inSlot = 12;

function beside(name: string, rule: string, what: string, hurt: (dir: string) => string): Case {
  return {
    name,
    rule,
    what,
    must: 'by name',
    fates: aside,
    hurt: (scene) => scene.whileDown(() => hurt(scene.dir)),
  };
}

function flipSlots(dir: string, slots: readonly number[]): string {
  const file = join(dir, 'watermark');
  return slots.map((slot) => flipBit(file, slot * slotEvery + inSlot)).join(', ');
}

/** Takes a copy of a folder of the host while it is dead, and puts it back after some more load. */
async function rollBack(scene: Scene, folder: string, also = (): void => {}): Promise<string> {
  const copy = join(scene.bed.cluster.dir, `copy-of-${scene.host}-${scene.generation}`);
  await scene.whileDown(() => {
    cpSync(folder, copy, { recursive: true });
    return '';
  });
  await scene.untilServing();
  await scene.moreLoad();
  const text = await scene.whileDown(() => {
    replaceFolder(folder, copy);
    also();
    return 'what was written since is not in it';
  });
  remove(copy);
  return text;
}

export const folderCases: readonly Case[] = [
  beside('store-gone', 'E6', 'the whole store removed', (dir) => remove(join(dir, 'store'))),
  {
    ...beside('host-gone', 'E14', 'the whole folder of the host removed', (dir) => remove(dir)),
    // What was set aside before is gone with it, and so is what the host had logged.
    fates: [...aside, 'gone'],
    hurt: (scene) =>
      scene.whileDown(() => {
        const what = remove(scene.dir);
        scene.noteLogs('pass');
        return what;
      }),
  },
  {
    name: 'store-old',
    rule: 'E5',
    what: 'a copy of the store put back that was taken earlier',
    must: 'by name',
    fates: aside,
    hurt: (scene) => rollBack(scene, scene.store),
  },
  {
    name: 'store-old-unsigned',
    rule: 'E5',
    what: 'the same, and the identity beside the store removed',
    must: 'by name',
    fates: aside,
    hurt: (scene) => rollBack(scene, scene.store, () => void remove(join(scene.dir, 'identity'))),
  },
  {
    name: 'host-old',
    rule: 'E5',
    what: "a copy of the host's whole folder put back, watermark and all: nothing in it can tell",
    must: 'never',
    fates: ['believed'],
    hurt: (scene) => rollBack(scene, scene.dir),
  },
  beside('watermark-gone', 'E5', 'the watermark removed', (dir) => remove(join(dir, 'watermark'))),
  beside('watermark-bits', 'E5', 'one bit in each slot of the watermark', (dir) => flipSlots(dir, [0, 1])),
  {
    ...beside('watermark-slot', 'E5', 'one bit in one slot of the watermark: a control', (dir) => flipSlots(dir, [0])),
    must: 'never',
    fates: ['believed'],
  },
  beside('identity-bit', 'E7', 'one bit of the identity beside the store', (dir) =>
    flipAt(join(dir, 'identity'), 'middle'),
  ),
  {
    ...beside('identity-gone', 'E7', 'the identity beside the store removed: the store has it too', (dir) => {
      return remove(join(dir, 'identity'));
    }),
    must: 'never',
    fates: ['believed'],
  },
  {
    name: 'store-copied',
    rule: 'E7',
    what: 'the store of another host, which runs with it, copied over this one',
    must: 'by name',
    fates: aside,
    hurt: (scene) =>
      scene.whileDown(() => {
        replaceFolder(scene.store, scene.storeOf(scene.other));
        return `${scene.other}'s store in ${scene.host}'s folder`;
      }),
  },
  {
    name: 'hosts-swapped',
    rule: 'E7',
    what: 'the folders of two dead hosts swapped, and put back',
    must: 'by name',
    fates: ['refused'],
    isOfTwo: true,
    hand: 'the folders are put back',
    hurt: swapHosts,
  },
];

async function swapHosts(scene: Scene): Promise<string> {
  const { host, other } = scene;
  const [a, b] = [scene.dirOf(host), scene.dirOf(other)];
  await scene.quiet();
  await scene.down(host, other);
  swapFolders(a, b);
  scene.noteLogs('pass');
  scene.up();
  const both = [host, other];
  await scene.until('they are not refused', () => {
    return both.every((id) => scene.findings(both).some((one) => one.host === id && one.code === 'ENGINE_IDENTITY'));
  });
  await scene.downWhileFailing(both);
  scene.noteLogs('keep');
  swapFolders(a, b);
  scene.noteLogs('pass');
  scene.up();
  return `${host} and ${other} were refused, and asked for again when they were put back`;
}
