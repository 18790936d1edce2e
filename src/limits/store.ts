/** The log: what waits to be written to it, what one commit takes, and how long its server may be silent. */

/** Events that one `readAll` or one batch of `follow` holds. */
export const readBatchMax = 1_000;
/** Appends that wait for the next commit of the embedded log. */
export const appendsWaitingMax = 10_000;
/** Bytes of the appends that wait for the next commit of the embedded log. */
export const appendBytesWaitingMax = 64 * 1024 * 1024;
/** Events and bytes that one commit of the embedded log takes; a single append may be larger. */
export const commitEventsMax = 1_000;
export const commitBytesMax = 8 * 1024 * 1024;
/** Events that were appended last and their characters, held for who follows the embedded log. */
export const newestEventsHeldMax = 128;
export const newestCharactersHeldMax = 1024 * 1024;
/** Pages of a journal that wait until they are written into their file, and pages from which the commit itself does it. */
export const journalWritePages = 1_000;
export const journalPagesMax = 8_000;
/** Milliseconds in which that falls due twice before a thread is started for it, and those it stays with nothing to do. */
export const journalsGrowFastMs = 2_000;
export const journalThreadIdleMs = 60_000;

/** Milliseconds that KurrentDB has for one attempt; what asks on then takes a new connection. */
export const storeAttemptMs = 2_000;
/**
 * Milliseconds after which a read or an append that KurrentDB did not answer is tried no more: long enough for
 * more than one attempt that nothing comes of, and for a cluster to find another leader.
 */
export const storeAnswerMs = 5_000;
/** Milliseconds that a new connection to KurrentDB has before another takes its place. */
export const storeReconnectMs = 250;
/** Milliseconds between two looks whether KurrentDB is there, and this log still its owner's. */
export const storeProbeMs = 2_000;
/** Milliseconds of silence after which a node counts as cut off from the store, and admits nobody new. */
export const storeSilenceMaxMs = 10_000;
/**
 * Appends to KurrentDB under way at once on one connection. From 16 on the client's own queue fills, and what stands
 * in it when the connection breaks becomes a rejection that nobody can handle.
 */
export const storeAppendsAtOnceMax = 15;
/** Connections to KurrentDB that appends go over, each opened when those before it are full. */
export const storeAppendConnectionsMax = 4;
/** Milliseconds that a start waits for a server that does not answer, and between two log lines that say so. */
export const storeWaitMs = 2 * 60 * 1_000;
export const storeWaitToldEveryMs = 10_000;
/** Milliseconds after which a node that was away no longer acts on what it held. */
export const leaseMs = 5_000;
/** Milliseconds between two looks whether the lease is still heard of: several of them within `leaseMs`. */
export const leaseBeatMs = 500;
/** Milliseconds between two attempts at a lease that another node holds. */
export const leaseRetryMs = 100;
