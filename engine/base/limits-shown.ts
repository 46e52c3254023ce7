// Bounds of what viewers show each other, and of what they look at, which nobody stores; as in limits.ts, each with its reason.
import { assert } from './assert.ts';
import { channelLengthMax, linkFrameBytesMax, principalBytesMax } from './limits.ts';

/** Ephemeral channels of one definition: what each of its viewers was told is kept as a bit of one number. */
export const ephemeralsMax = 16;
/** A value of one as JSON, and the frame that brings it, in UTF-16 units: a cursor, the word that somebody types. */
export const ephemeralLengthMax = 2_000;
export const ephemeralFrameLengthMax = 4_096;
/** Values of one document, one for each channel of a principal who views it, and their text: whoever comes is sent all of it. Past either, what was shown longest ago goes. */
export const ephemeralValuesMax = 1_000;
export const ephemeralValuesLengthMax = 256 * 1024;
/** What is shown in less than this is shown together, the newest of each: in one view at its proxy, and in one document at its head. */
export const ephemeralMs = 40;
/** Values of one document that wait to be shown together; one more is dropped. */
export const ephemeralPendingMax = 4_096;
/** A client with more than this to read is sent the newest values only, behind it. One for whom more than so many wait is closed with 1013. */
export const ephemeralBacklogBytes = 64 * 1024;
export const ephemeralHeldMax = 8 * ephemeralValuesMax;
/** What one view looks at as JSON, in UTF-16 units, as it is said and as its schema makes it: a page, a filter, a few words. Each view holds it at its client, proxy and head. */
export const viewerStateLengthMax = 4_096;
/** What a view looks at goes to its host at most so often: the newest, after this. */
export const viewerStateMs = 40;

assert(ephemeralsMax <= 30, 'channels are bits of a number');
assert(ephemeralLengthMax < ephemeralFrameLengthMax, 'a frame brings the longest value');
assert(
  6 * (ephemeralValuesLengthMax + ephemeralValuesMax * (2 * principalBytesMax + channelLengthMax + 64)) <
    linkFrameBytesMax,
  'a link carries all values of a document',
);
