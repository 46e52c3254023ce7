// Every queue, batch, table and wait has its bound here, with its reason. Relations between bounds are asserted below.
import { assert } from './assert.ts';

/** A client's frame. Small: a message is a move in a game, not a file. Larger ones are refused and the socket closed. */
export const clientFrameBytesMax = 64 * 1024;
/** What an update puts into a document, and its answer, as JSON in UTF-16 units. */
export const updateLengthMax = 128 * 1024;
/** A document's state as JSON, in UTF-16 units: up to 6 bytes each where all of it is escaped. */
export const documentLengthMax = 1024 * 1024;
/**
 * A view or a delta, as JSON in UTF-8. It may be longer than the document: defaults are shown and not stored, and formulas and bubbles are made.
 */
export const viewBytesMax = 7 * 1024 * 1024;
/**
 * What one update may weigh in the log: 3 bytes a unit of what it puts in and, to be undone, of what it takes away. Keys that go weigh twice: of long
 * ones it may not take all away that a document holds.
 */
export const updateBytesMax = 4 * 1024 * 1024;
/**
 * What a head puts into one batch: another is begun once this is passed, so that the members of a chain work on neighbouring
 * batches at the same time. Smaller ones cost more turns than the overlap gains (measured, 60-performance P1).
 */
export const batchBytesMax = 128 * 1024;
/** Hosts of one cluster, and so members of one chain. */
export const hostsMax = 64;
/** What names an attempt to begin an epoch, or a store: ours are half as long. */
export const nonceBytesMax = 128;
/** What an operator says about the loss that he accepts, in bytes. */
export const lossBytesMax = 1_024;
/** The value of a chain's register: two lists of as many hosts as a chain can have, and what goes with them. */
export const configurationBytesMax = 32 * 1024;
/** Voters of a cluster: seven outlive three of their kind; more cost every change a round through more disks. */
export const votersMax = 7;
/** The value of a register. A configuration of the most hosts with the longest names, twice, takes two thirds of it. */
export const registerValueBytesMax = 32 * 1024;
/** Registers that one message between a proposer and a voter is about; more go into the next message. */
export const registerItemsMax = 192;
/** A message between hosts. It holds a batch, or a chunk of batches. */
export const linkFrameBytesMax = 8 * 1024 * 1024;
/** JSON text that a host puts into one message to a proxy, in UTF-16 units; more goes into the next message. */
export const frontBatchLengthMax = 1024 * 1024;
/** What one answer to a fetch carries: at least one record, then more until this is passed. */
export const chunkBytesMax = 2 * 1024 * 1024;
/** Where a page of documents begins: a key of the store in hex. */
export const cursorBytesMax = 600;
/** Records that one pass folds, in bytes: what it keeps in memory. */
export const foldPassBytes = 8 * 1024 * 1024;
/** What one slice of a pass takes in, and about what it writes: clients wait no longer than it takes to sync this. */
export const foldSliceBytes = 128 * 1024;
/**
 * A chain is folded when it was quiet for so long, or when so many records wait. A busy chain pays for folding with a quarter of its
 * throughput (measured); a document that has this many records to read is loaded in a third of a second.
 */
export const foldWaitMs = 2_000;
export const foldRecordsMin = 10_000;
/** A chain that could not be folded is passed over for so long. */
export const foldRestMs = 60_000;
/** The share of time in which a pass is at work; the rest it sleeps, and leaves to what clients wait for. */
export const foldShare = 1 / 20;
/** The longest of these sleeps: a process that was stopped in the middle of a slice worked on it for no longer than others. */
export const foldSleepMsMax = 2_000;
/** With more records than this left to fold it takes a larger share: an index of all of them is kept in memory. */
export const foldBacklogRecords = 100_000;
export const foldHurryShare = 1 / 2;
/**
 * Updates of each document that stay readable by themselves, for rewind and audit, unless a cluster says otherwise; and the most: a snapshot
 * names each block of them, and is written whole with every fold.
 */
export const historyUpdates = 1_000;
export const historyMax = 100_000;
/** Updates that one question about a document's history is told of. */
export const historyLinesMax = 1_000;
/** How long a host may take over a document that an operator asks something of: it may be read from disk, back to the oldest update kept. */
export const documentAskMs = 10_000;
/** How long a host may take to load an application and to read all that it has in memory again. */
export const deployAskMs = 60_000;
/** Documents whose states one question is told of, and those of which a migration would fail that are named. */
export const statesPageMax = 256;
export const migrationsToldMax = 20;
/** A block of a document's history grows up to either of these before the next is begun. */
export const historyBlockUpdates = 64;
export const historyBlockBytes = 64 * 1024;
/** Records that one write removes from the beginning of a log. */
export const trimRecordsMax = 1_000;
/** Deleted documents whose bytes are removed from the disk at once. */
export const erasePassMax = 64;
/** How often a host looks whether some are due, and the share of time in which it looks and rewrites. */
export const eraseLookMs = 1_000;
export const eraseShare = 1 / 4;
/** The longest of its rests: rewriting waits for whoever reads, and that is no work. */
export const eraseRestMsMax = 30_000;
/** Of one chain so many are counted, for a status. */
export const pendingCountedMax = 1_000;
/** A page of an export: as many documents as fit, or a part of one. In base64 inside JSON it is a third larger. */
export const exportPageBytes = 512 * 1024;
/** A file of a backup is closed behind the document that takes it past this: what is taken again after a cut. */
export const backupFileBytes = 32 * 1024 * 1024;
/** What one write of a restore lays down, of one chain; and what waits in memory, of all of them. */
export const layBytes = 1024 * 1024;
export const layHeldBytes = 32 * 1024 * 1024;
/** Entries that one write removes where a chain is removed whole. */
export const wipeEntriesMax = 1_000;
/** A walk over a store rests after so much; in between it holds the loop for some milliseconds at most. */
export const verifySliceBytes = 256 * 1024;
/** What an entry costs a walk beside its bytes, as bytes: many small ones take as long as few large ones (measured). */
export const verifyEntryCostBytes = 1_536;
/**
 * What a scrub reads on average, an entry counted as above: about 1 % of a core (measured: 100 to 250 MiB/s of a whole one). A pass over 100 GB
 * takes a day.
 */
export const scrubBytesPerSecond = 1024 * 1024;
/** While it walks a chain, whose view keeps what was freed: faster, and it rests behind the chain. */
export const scrubBurstBytesPerSecond = 32 * 1024 * 1024;
/** A walk that an operator waits for takes half a core. */
export const scrubAskedBytesPerSecond = 128 * 1024 * 1024;
/** Between the start of a host, or the end of a pass, and the next. */
export const scrubFirstMs = 60_000;
export const scrubPauseMs = 3_600_000;
/** A long rest is looked up from so often: a host may close, an operator may ask. */
export const scrubNapMs = 250;
/** Findings that a walk reports one by one; all are counted. */
export const findingsMax = 100;
/** Batches proposed and not yet committed. Three keep every disk busy; more gain nothing (measured at 1, 2, 3, 5). */
export const batchesInFlightMax = 3;
/** How near a joiner's acks must be, in batches, before the last member gates for it: what is in flight, and as much again. */
export const gateLagMax = 2 * batchesInFlightMax;
/** Batches that are kept in memory while a joiner's fetch is read from disk; past it the joiner asks again. */
export const joinWindowMax = 256;
/** Updates of one chain that wait for a batch; past it sends are refused with CHAIN_BUSY. */
export const updatesQueuedMax = 16 * 1024;
/** Bytes of one chain that wait for a batch. */
export const updatesQueuedBytesMax = 16 * 1024 * 1024;
/** Answers, views and deltas of one chain that wait for a commit; past it sends and opens are refused with CHAIN_BUSY. */
export const outputsQueuedMax = 64 * 1024;
/** Their text, in UTF-16 units: a chain that waits for a member must not fill the memory of its head. */
export const outputsQueuedLengthMax = 64 * 1024 * 1024;
/** Sends and opens that wait for one document to be read from disk. */
export const documentQueueMax = 4 * 1024;
/** Threads that run a host's documents: more than a machine has cores. */
export const workersMax = 64;
/** How long a thread may be at one message, one open or one rewind; then it is ended. Looked at ten times in it: a pause of the host counts as one look. */
export const handlerMsMax = 1_000;
export const handlerLooks = 10;
/** How long a thread may take to load the application, or to answer while no code of it is known to run. */
export const threadStartMsMax = 30_000;
/** Threads of one place that may die one after the other before they have done anything: then the application cannot be run. */
export const threadStartsMax = 3;
/** Objects in the memory of one thread: past it the thread ends, and the host does not. Documents are to take `documentBytesMax` in all. */
export const threadHeapMbMax = 1_024;
/** Commands for documents whose results have not come back, of one host; past it sends and opens are refused with CHAIN_BUSY. */
export const commandsQueuedMax = 16 * 1024;
/** Commands that one task takes to a thread, and the bytes and text of results at which it comes back before its end: answers wait for it. */
export const taskCommandsMax = 256;
export const taskResultsLengthMax = 4 * 1024 * 1024;
/** What an application throws behind its handlers, between two tasks of its thread, and that is told; and the text of each part of it. */
export const straysToldMax = 100;
export const thrownLengthMax = 16 * 1024;
/** A document that stopped its thread so often within `documentStopsMs` rests: its neighbours lose theirs once a minute at most for it (D33). */
export const documentStopsMax = 3;
export const documentStopsMs = 600_000;
export const documentRestMs = 60_000;
/** Documents that cannot be made, and that the log of a host names. */
export const unreadableToldMax = 1_000;
/** Documents that are read again under new code before clients have their turn. */
export const renewedAtOnce = 16;
/** What documents take in a host's memory, about, over all chains that it heads; idle ones leave, oldest first. Documents with viewers stay. */
export const documentBytesMax = 256 * 1024 * 1024;
/** Documents that are asked, for the sake of one, whether they can leave. */
export const memoryLooksMax = 64;
/** In bytes: of a document without a state, and of a session. */
export const documentWeightMin = 2 * 1024;
export const sessionWeight = 1_024;
/** Sessions that one document remembers; the one unused for longest is forgotten first. */
export const sessionsMax = 1_000;
/** Of these one principal's; past it the principal loses its own oldest. */
export const sessionsPerPrincipalMax = 32;
/** The answers that are kept of one session, as JSON in UTF-16 units; past it the client takes answers first. */
export const answersLengthMax = 256 * 1024;
/** The same of all sessions of one document, each answer with its overhead: they are part of its snapshot, which a link carries whole. */
export const documentAnswersLengthMax = 1024 * 1024;
/** What an answer costs a snapshot beside its text, as UTF-16 units: numbers, a code, lengths. */
export const answerOverheadLength = 64;
/** A part of the answers of a document goes at once where they are too many: looking for whose costs a walk over its sessions. */
export const answersSpareLength = documentAnswersLengthMax / 8;
/** Sends of one session that may wait for an answer. The table keeps that many answers of it. */
export const sendsInFlightMax = 32;
/** `space/key`, in bytes: both are ASCII. */
export const documentNameBytesMax = 256;
/** An agent's or an authority's name. */
export const principalBytesMax = 128;
/** How deep a message may nest; deeper ones could exhaust a stack. */
export const messageDepthMax = 32;
/** Values in one message: a bound on what it costs to walk it. */
export const messageValuesMax = 10_000;
/** Documents that one connection may have open. */
export const documentsPerConnectionMax = 256;
/** Connections that one proxy accepts. */
export const connectionsMax = 20_000;
/** Bytes that wait for one slow client before it is closed with 1013. */
export const clientBacklogBytesMax = 16 * 1024 * 1024;
/** Bytes that wait on one link before its reader is considered gone and the link is closed. */
export const linkBacklogBytesMax = 256 * 1024 * 1024;
/** How long a client may take to say hello. */
export const helloMs = 5_000;
/** Frames in one message of a client: what 64 KiB of `{}` could ask for otherwise. A reconnect opens every document at once. */
export const framesPerMessageMax = 1_024;
/** A channel's name, in UTF-16 units. */
export const channelLengthMax = 128;
/** Bytes of sends that one connection may have unanswered: the proxy holds them to send them again after a failover. */
export const unansweredBytesMax = 4 * 1024 * 1024;
/** How often a proxy pings its clients. One that was silent for two rounds is gone, and its documents are told. */
export const clientPingMs = 15_000;
/** How often proxies and hosts ping over their links; one link that was silent for two rounds is dead, whatever TCP believes. */
export const linkPingMs = 2_000;
/** After a link broke: how often both ends ask whether anybody listens at the other. */
export const linkProbeMs = 50;
/** How long a link's handshake may take. */
export const linkDialMs = 2_000;
/** How long an operator's question to a host may take. */
export const askMs = 2_000;
/** What an operator may post to the admin port: a question, some names and a reason. */
export const adminBodyBytesMax = 16 * 1024;
/** Operator's questions that one link may have open. */
export const asksInFlightMax = 64;
/** Records that one question about a log may ask for. */
export const logRecordsAskedMax = 1_000;
/** Records that one looks at, where few of them fit: well below what `askMs` allows. Whoever asks goes on behind them. */
export const logRecordsWalkedMax = 20_000;
/** Pauses between tries to reach a peer: doubled from the first to the last. */
export const redialMsMin = 50;
export const redialMsMax = 1_000;
/** The longest pause between a cluster's own processes: they are few, and a chain waits. */
export const linkRedialMsMax = 250;
/** Pauses before a host that exited is started again: doubled from the first to the last. */
export const restartMsMin = 100;
export const restartMsMax = 5_000;
/** A host that lived this long starts with the shortest pause again. */
export const restartForgivenMs = 10_000;
/**
 * Space on a host's disk: below the first new writes are refused, and a second of the heaviest load fits between two looks; below the second the
 * reserve is given back, which holds what LevelDB writes to open and some thousand seals.
 */
export const freeBytesMinUsual = 256 * 1024 * 1024;
export const freeBytesCritical = 64 * 1024 * 1024;
export const reserveBytes = 64 * 1024 * 1024;
export const spaceCheckMs = 1_000;
/** How far the watermark may be behind the store: what rots in this time, in a sole survivor that is restarted, is not noticed (E5, E10). */
export const watermarkMs = 100;
/** How long a host goes on with a store that a walk found wrong, so that it can be told. */
export const findingTellMs = 3_000;
/** How often a host's clock comes round to what waits for time. */
export const tickMs = 25;
/** A clock that comes round so much later than it should tells of a pause of this process: nobody is accused for it. */
export const lagMs = 250;
/** How often a host tells the others that it lives, and whom it misses: a few frames of some bytes. */
export const pulseMs = 200;
/** A link on which nothing was heard for this long, six pulses, leads to nobody. */
export const silentMs = 1_200;
/** A link that was lost comes back within this, or its other end is missed. */
export const linkLostMs = 400;
/** Between one reading of a register, for want of news, and the next. */
export const lookMs = 1_000;
/** The same for a host that has no part in what the register holds: news comes to it by gossip too. */
export const idleLookMs = 60_000;
/** Members of a chain act on the same trouble so long after one another: a reconfiguration takes a tenth of it. */
export const staggerMs = 150;
/** Who does not answer a seal or a transfer within this is left out, where enough others did. */
export const hurryMs = 150;
/** A reconfiguration that takes longer is begun anew. A transfer goes on where it was. */
export const driveMs = 10_000;
/**
 * A pending configuration of somebody else that is older than this is driven by nobody. Behind two attempts in a row that came to
 * nothing it doubles with each, up to the last: on a machine where an attempt takes long, somebody's comes to its end.
 */
export const pendingMs = 1_000;
export const pendingMsMax = 8_000;
/** Work that waits while acks do not move for this long: the chain is stuck. */
export const stuckMs = 1_000;
/** A joiner of whom nothing was heard for this long gives its place up. */
export const joinStuckMs = 5_000;
/** A host that held a chain up waits before it may join again: doubled from the first to the last. Others come first. */
export const heldUpMsMin = 1_000;
export const heldUpMsMax = 60_000;
/** How long a configuration stands before it is straightened: heads move back one after the other, and not at once. */
export const movePauseMs = 2_000;
/** Between two reconfigurations of one chain by one host: doubled from the first to the last, until all was well for a while. */
export const spacingMsMin = 100;
export const spacingMsMax = 5_000;
export const settledMs = 10_000;
/** How long a host keeps what it had of a chain that it left: who comes back within this need not be given all of it. */
export const leftMs = 600_000;
/** What a host fetches of others' logs, over all chains that it joins: a part of what a disk takes, so that commits go on. */
export const fetchBytesPerSecond = 64 * 1024 * 1024;
/** What may be fetched at once after a pause: a few chunks. */
export const fetchBurstBytes = 8 * 1024 * 1024;

/** What `doctor` writes to learn how long a sync takes: a batch of small updates, so many times. */
export const syncSampleBytes = 4 * 1024;
export const syncSamples = 30;
/** A sync that takes longer is felt in every answer. */
export const syncMsLook = 20;
/** How long `doctor` watches the clock, and by how much it may be moved meanwhile. */
export const clockWatchMs = 200;
export const clockStepMsMax = 50;
/** Clocks of hosts that are further apart show in documents; by this much, something is broken. */
export const skewMsLook = 1_000;
export const skewMsWrong = 60_000;
/** Free space for a data folder that somebody should know of; and that a busy cluster fills within a minute. */
export const freeBytesLook = 5 * 1024 * 1024 * 1024;
export const freeBytesWrong = 512 * 1024 * 1024;
assert(verifySliceBytes * 100 < scrubBurstBytesPerSecond, 'a walk rests often');
assert(scrubBytesPerSecond < scrubBurstBytesPerSecond, 'a scrub rests between chains');
assert(configurationBytesMax <= registerValueBytesMax, 'a register holds a configuration');
assert(hurryMs + 2 * staggerMs < pendingMs, 'a driver at work is not taken for a dead one');
assert(silentMs > 4 * pulseMs, 'a pulse may be late, and one may be lost');
/** How long a register's operation is tried: two lost messages and a duel of several proposers fit, twice. */
export const registerOpMs = 2_000;
/** When a voter is asked again: later than a slow disk syncs, as each repeat costs a message. */
export const registerRetryMs = 150;
/** Pauses of a proposer whose ballot was refused: doubled from the first to the last, each cut by chance. */
export const registerRestMsMin = 10;
export const registerRestMsMax = 320;
/** How long a voter that lost its disk waits, give or take a half, before it asks for its place, and before it asks again. */
export const voterCareMs = 2_000;
/** How long `replace-voter` is tried. Asked again, it goes on from where it stood. */
export const replaceVoterMs = 60_000;
/**
 * Instances that gossip keeps count of: hosts, proxies and voters of one cluster. Measured up to 1,000; a counter costs 4 bytes in
 * every exchange, so that this many would cost each host 32 KiB a round.
 */
export const instancesMax = 4_096;
/** An instance's boot, region, address and application hash, each. */
export const instanceTextBytesMax = 128;
/**
 * Sets of instances that a host remembers. A peer's set is found here while fewer changes of capacity than this lie between; past
 * it, an exchange costs a full set. At 1,000 instances each costs 8 KiB.
 */
export const instanceSetsMax = 32;
/** New instances, and deletes, that one message names; what is older is found by comparing sets. */
export const recentInstancesMax = 64;
/** Instances that are gone and must not come back from a peer's older set. The oldest are forgotten first. */
export const goneInstancesMax = 4_096;
/** Chains of which gossip carries a hint: 4 times what a cluster is made with at most. */
export const hintsMax = 1_024;
/** A configuration of the most members a chain may have is below this. */
export const hintBytesMax = 4 * 1024;
/** Hints that one message carries, by their bytes: at least one, then more until this is passed. */
export const hintsBytesMax = 32 * 1024;

assert(
  instancesMax * (5 * instanceTextBytesMax + 64) + hintsBytesMax + hintBytesMax < linkFrameBytesMax,
  'a link carries the largest set of instances',
);
assert(
  documentStopsMax * documentRestMs < documentStopsMs,
  'a document that goes on stopping its thread goes on resting',
);
assert(documentQueueMax < commandsQueuedMax, 'one document alone does not fill the queue of a host');
assert(clientFrameBytesMax < updateBytesMax, 'an update holds the largest frame');
assert(sendsInFlightMax * 2 < framesPerMessageMax, 'a session can be sent again in one message');
assert(documentsPerConnectionMax < framesPerMessageMax, 'a client can open all its documents in one message');
assert(clientFrameBytesMax * sendsInFlightMax < unansweredBytesMax, 'a session full of the largest sends fits');
assert(3 * (updateLengthMax + documentLengthMax) < updateBytesMax, 'an update holds what it changes, both ways');
assert(6 * documentLengthMax < viewBytesMax, 'the largest document can be shown');
assert(viewBytesMax + clientFrameBytesMax < linkFrameBytesMax, 'a link carries the largest view');
assert(viewBytesMax < clientBacklogBytesMax, 'a client that reads can be sent the largest view');
assert(batchBytesMax + updateBytesMax < linkFrameBytesMax, 'a link carries the largest batch');
/** A session in a snapshot beside its answers, and a block of history that it names: bytes. */
const sessionBytesMax = 2 * principalBytesMax + 64;
const blockNameBytesMax = 9;
assert(
  3 * (documentLengthMax + documentAnswersLengthMax) + sessionsMax * sessionBytesMax + historyMax * blockNameBytesMax <
    linkFrameBytesMax - clientFrameBytesMax,
  'a link carries the largest snapshot',
);
assert(
  historyBlockBytes + batchBytesMax + updateBytesMax < linkFrameBytesMax,
  'a link carries the largest block of history',
);
assert(
  answersLengthMax + updateLengthMax + sendsInFlightMax * answerOverheadLength <
    documentAnswersLengthMax - answersSpareLength,
  'the answers of one session fit a document',
);
assert(4 * exportPageBytes < linkFrameBytesMax, 'a link carries the largest page of an export');
assert(chunkBytesMax + batchBytesMax + updateBytesMax < linkFrameBytesMax, 'a link carries the largest chunk');
assert(
  linkBacklogBytesMax > batchesInFlightMax * linkFrameBytesMax,
  'a link holds what may be in flight of one chain, many times over',
);
assert(
  registerItemsMax * (registerValueBytesMax + 1_024) < linkFrameBytesMax,
  'a link carries a message about as many registers as one may hold, each with the largest value',
);
assert(
  2 * hostsMax * (32 + nonceBytesMax + 5) + 2 * lossBytesMax < registerValueBytesMax,
  'a register holds any chain',
);
assert(registerRestMsMax + 3 * registerRetryMs < registerOpMs, 'an operation survives what a busy network does to it');
