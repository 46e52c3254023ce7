// A replica is plain data: this is all of it. Entries, messages and configurations are never changed, and shared.
import type { Drive, Phase, Replica } from '../../chain/state.ts';

export function cloneReplica(replica: Replica): Replica {
  return {
    ...replica,
    peers: new Map(replica.peers),
    phase: clonePhase(replica.phase),
    inflight: [...replica.inflight],
    drive: replica.drive === undefined ? undefined : cloneDrive(replica.drive),
  };
}

function clonePhase(phase: Phase): Phase {
  if (phase.kind === 'copying') return { ...phase, copy: { ...phase.copy } };
  if (phase.kind === 'syncing' && phase.copy !== undefined) return { ...phase, copy: { ...phase.copy } };
  return phase;
}

function cloneDrive(drive: Drive): Drive {
  const { sealed, asked, transferred } = drive;
  return { ...drive, sealed: new Map(sealed), asked: new Set(asked), transferred: new Map(transferred) };
}
