// Mutants of who is heard of, who is missed, and when something is done about it.
import type { Mutant } from './mutant.ts';
import { one } from './mutant.ts';

const members = 'chain/gossip/members.js';
const exchange = 'chain/gossip/exchange.js';
const hints = 'chain/gossip/hints.js';
const detector = 'chain/detector.js';
const steward = 'chain/steward.js';

export const gossipMutants: readonly Mutant[] = [
  one(
    'G1',
    'names a set by nobody',
    'chain/gossip/instances.js',
    'return { hash: weightOf(hashes), instances };',
    "return { hash: weightOf(''), instances };",
  ),
  one(
    'G2',
    'a full set is answered by nothing',
    exchange,
    "send(gossip, 'slow', from, { kind: 'rest', ...rest }, out);",
    '',
  ),
  one('G4', 'holds nobody for dead', members, "change.removed.set(place, 'expired');", ''),
  one('G5', 'takes a peer’s delete at once', members, 'if (nowMs < atMs) {', 'if (false) {'),
  one('G6', 'takes in those who are long silent', members, 'if (ageMs >= gossip.deletableMs || ', 'if ('),
  one('G6', 'forgets at once who is gone', members, 'gossip.gone.set(hash, { counter, atMs: nowMs });', ''),
  one(
    'G7',
    'an older boot takes the place of a newer',
    members,
    'return held === undefined || held.key < instance.key;',
    'return true;',
  ),
  one('G7', 'hears of its own id', members, 'if (instance.id === gossip.self.id)\n        return false;', ''),
  one('G8', 'accuses others after a pause of its own', 'chain/gossip/gossip.js', 'gossip.patientFromMs = nowMs;', ';'),
  one(
    'G9',
    'calls nobody whom it does not know',
    'chain/gossip/gossip.js',
    'isBootstrapDue ? chooseStranger(gossip) : undefined',
    'undefined',
  ),
  one(
    'G11',
    'an older hint replaces a newer',
    hints,
    'return b === undefined || a.epoch > b.epoch || (a.epoch === b.epoch && a.minor > b.minor);',
    'return true;',
  ),
  one('G11', 'rumours do not end', hints, 'rumour.ridesLeft -= 1;', ''),
  one(
    'G12',
    'believes what was withdrawn',
    hints,
    'if (isRefused(gossip, hint, nowMs) || !hold(gossip, hint))',
    'if (!hold(gossip, hint))',
  ),
  one('C2', 'one observer is enough', detector, 'return others.length === 0 || ', 'return true || '),
  one('C2', 'accuses for the time that it stood still', detector, 'if (pausedMs > lagMs) {', 'if (false) {'),
  one('C2', 'a link that broke is a death', detector, 'nowMs - watched.lostMs > linkLostMs', 'true'),
  one('C13', 'does not mind a restart', steward, "return then !== '' && now !== '' && then !== now;", 'return false;'),
  one('C10', 'another disk is no trouble', steward, 'if (other !== undefined)', 'if (false)'),
  one('C8', 'all members act at once', steward, 'nowMs - care.troubleSinceMs < turn * staggerMs', 'false'),
  one('C12', 'reconfigures without rest', steward, 'care.nextAtMs = nowMs + care.spacingMs * (0.5 + chance);', ''),
  one('C9', 'waits for a joiner for ever', steward, 'if (isGone || isStuck)', 'if (isGone)'),
];
