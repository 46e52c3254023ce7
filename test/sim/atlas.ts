// Which losses a cluster is built to survive: a disk may go only while every answered write is on another one that stays. So one
// at a time, and the next only when each chain of the lost one has all its members again, filled.
import type { Voter } from '../../chain/register/voters.ts';
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export function mayLoseDisk(world: World, machine: Machine): boolean {
  const isFilled =
    world.machines.every((other) => other === machine || isWhole(world, other)) && isWhole(world, machine);
  // What is wrong with another one may be found at any time, and takes it away.
  if (world.machines.some(({ harm }) => harm !== undefined)) return false;
  return isFilled && lostVoter(world) === undefined && isListKnown(world, machine);
}

/** Whether a majority of the voters would still know the newest list of them, from their disks: one who alone knows it takes it with him. */
function isListKnown(world: World, lost: Machine): boolean {
  const inMind = world.machines.map(({ process }) => process?.node?.registers.acceptor.voters.generation ?? 0);
  const kept = world.machines.map((machine) => machine.voters?.generation ?? 1);
  const newest = inMind.every((generation) => generation === 0) ? 0 : Math.max(...inMind, ...kept);
  const others = world.machines.filter((machine, index) => machine !== lost && kept[index] === newest);
  // While nobody is up nobody can say who is a voter, and whose disk is gone.
  return newest > 0 && (newest === 1 || others.length * 2 > world.machines.length);
}

/** A voter whose disk is gone and whom an operator has not replaced yet: with one more of them the registers might be gone. */
export function lostVoter(world: World): { readonly leaver: Voter; readonly joiner: Voter } | undefined {
  const newest = world.machines
    .flatMap(({ process }) => process?.node?.registers.acceptor.voters ?? [])
    .sort((a, b) => b.generation - a.generation)[0];
  if (newest === undefined) return undefined;
  const { voters, joining } = newest;
  const isIn = (list: readonly Voter[], { storeId }: Voter): boolean => list.some((one) => one.storeId === storeId);
  const stores = world.machines.map(({ id, storeId }) => ({ host: id, storeId }));
  const leaver = voters.find((voter) => !isIn(joining ?? stores, voter));
  const joiner =
    joining === undefined
      ? stores.find(({ host }) => host === leaver?.host)
      : joining.find((voter) => !isIn(voters, voter));
  return leaver === undefined || joiner === undefined ? undefined : { leaver, joiner };
}

/** Whether the store that a machine has now serves in the newest epoch of each of its chains. */
function isWhole(world: World, machine: Machine): boolean {
  if (machine.disk.losses === 0) return true;
  for (const { members } of world.claims.values()) {
    if (members.has(machine.id) && members.get(machine.id) !== machine.storeId) return false;
  }
  return true;
}
