// Which losses a cluster is built to survive: a disk may go only while every answered write is on another one that stays. So one
// at a time, and the next only when each chain of the lost one has all its members again, filled.
import type { Machine } from './machine.ts';
import type { World } from './world.ts';

export function mayLoseDisk(world: World, machine: Machine): boolean {
  return world.machines.every((other) => other === machine || isWhole(world, other)) && isWhole(world, machine);
}

/** Whether the store that a machine has now serves in the newest epoch of each of its chains. */
function isWhole(world: World, machine: Machine): boolean {
  if (machine.disk.losses === 0) return true;
  for (const { members } of world.claims.values()) {
    if (members.has(machine.id) && members.get(machine.id) !== machine.storeId) return false;
  }
  return true;
}
