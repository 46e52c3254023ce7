// Bounds of what documents do by themselves: timers, effects, messages to each other, presence. The others stand in limits.ts.

/** Timers that one document may have set. */
export const timersMax = 1_000;
/** The longest time that a timer is set for: ten years. */
export const timerMsMax = 10 * 366 * 24 * 3_600_000;
/** The shortest pause between two rounds of a schedule. */
export const everyMsMin = 100;
/** What a timer, an effect or a message to another document carries, as JSON in UTF-16 units. */
export const argLengthMax = 32 * 1024;
/** Effects and messages of one document that wait to be carried out; past it its handlers fail at asking for one more. */
export const outboxMax = 1_000;
/** Principals that one document knows to be connected. */
export const presentMax = 20_000;
/** How long a principal may have no view before it counts as disconnected: a page that is loaded anew takes less. */
export const absentMs = 2_000;
/** The same, counted from when a document was loaded: after a failover everybody comes back, and some of them late. */
export const returnMs = 10_000;
/** Documents that one document has heard from, of which it remembers how far. One that was silent for `senderKeptMs` may be forgotten. */
export const sendersMax = 10_000;
/** No message that another document sent is on its way for so long. */
export const senderKeptMs = 24 * 3_600_000;
/** What documents with a quota count for, in JSON characters: whole steps. */
export const quotaStep = 1_024;
/** How long a document may make use of what it claimed from its accounts. */
export const claimMsMax = 10_000;
/** An account that has not heard what came of a claim asks its document after this: long behind `claimMsMax`, by whoever's clock. */
export const claimKeptMs = 30_000;
/** It asks again after this, where nothing can be said of the document. */
export const quotaStrayMs = 3_600_000;
/** Claims of one account of which nothing was heard yet; and how many documents it asks at once. */
export const claimsMax = 1_000;
export const claimsLookedAtOnce = 100;
/** A document that may not grow asks again after this, and claims of documents of one chain that are under way at once. */
export const quotaAgainMs = 10_000;
export const claimsAtOnceMax = 1_000;
/** How long is waited for an account; then whoever asked is to come again. */
export const accountMsMax = 5_000;
/** A document whose claim nobody answered claims again after this. */
export const claimAgainMs = 1_000;
/** Updates that a document takes in a second, unless its definition says otherwise; as many may come at once. */
export const updatesPerSecondMax = 10_000;
/** Documents of one chain that are woken at one look of the clock. */
export const wakesPerLookMax = 64;
/** What happens in one of them at one look. */
export const happeningsPerLookMax = 64;
/** What of a chain is searched, at one look of the clock, for documents that want to be woken, when a host begins to head it. */
export const wakeSearchBytes = 2 * 1024 * 1024;
/** A document that could not be woken is tried again after this. */
export const wakeAgainMs = 1_000;
/** Effects of one chain that run at once, and messages to other documents on their way. */
export const effectsAtOnceMax = 64;
/** Pauses before an effect that failed, or a message that was not delivered, is tried again: doubled from the first to the last. */
export const effectRestMsMin = 100;
export const effectRestMsMax = 30_000;
/** An effect is tried so often; then its document is told that it failed. */
export const effectTriesMax = 5;
/** How long a try of an effect may take; then it counts as failed, though it may have been done. */
export const effectMsMax = 60_000;
/** Effects and messages of one chain that its head holds in memory; those of further documents are taken up when these are done. */
export const tasksHeldMax = 10_000;
