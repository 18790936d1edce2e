/** What one HTTP request, its body and its connection may take, and how long they may. */

/** HTTP connections of one listener at once; more are closed at once. */
export const connectionsMax = 20_000;
/** Requests of one connection that are served before the first of them is answered; those behind them wait. */
export const pipelinedMax = 16;
/** Bytes of all headers of one HTTP request. */
export const headerBytesMax = 16 * 1024;
/** Milliseconds the headers of one HTTP request may take to arrive. */
export const headersTimeoutMs = 10_000;
/** Milliseconds one whole HTTP request may take to arrive. */
export const requestTimeoutMs = 30_000;
/** Milliseconds an idle HTTP connection is kept, longer than load balancers keep theirs. */
export const keepAliveTimeoutMs = 65_000;
/** From a connection to the end of its TLS handshake. */
export const tlsHandshakeTimeoutMs = 10_000;
/** Milliseconds that running HTTP requests have to end when the service stops. */
export const stopGraceMs = 10_000;
/** Milliseconds that a body nobody wants is still taken, so that its sender sees the answer. */
export const lingerMs = 2_000;
/** Hops of `X-Forwarded-For` that are followed. */
export const forwardedHopsMax = 32;

/** Bytes of one HTTP request body. */
export const bodyBytesMax = 64 * 1024;
/** Milliseconds the body of one HTTP request may take to arrive. */
export const bodyTimeoutMs = 10_000;
/** How deep a JSON body may nest. */
export const bodyDepthMax = 16;
/**
 * Keys of one object, items of one list, and values in all that a JSON body may hold; a list may be a little
 * longer than the longest that a route takes, so that the route's own fault names its field.
 */
export const bodyKeysMax = 64;
export const bodyItemsMax = 1_024;
export const bodyValuesMax = 4_096;
/** Keys of what a device says of itself, and characters of a value. */
export const contextKeysMax = 32;
export const contextValueMax = 1_000;
/** Parameters of one query. */
export const queryParametersMax = 64;
/** Faults that one problem names; the others are counted. */
export const faultsNamedMax = 20;
/** Malformed requests a minute to one route from one source, or by one user who is signed in. */
export const malformedPerMinuteMax = 600;

/** Seconds a long poll may wait (`Prefer: wait=N`). */
export const longPollSecondsMax = 60;
/** Long polls that wait at once; one more is answered at once. */
export const longPollsMax = 2_000;
/** Milliseconds a read waits for its `Gatebook-Position`. */
export const positionWaitMs = 2_000;
/** Milliseconds between two looks whether the caller of an answer that takes long still may have it. */
export const callerLookMs = 1_000;
/** Seconds in `Retry-After` where nothing better is known. */
export const retryAfterSeconds = 5;
/** Seconds after which a device whose name is taken asks once more; the same whoever holds it, and whatever was recorded. */
export const takenRetryAfterSeconds = 5;
/** The longest that `Retry-After` of EST says, in seconds. */
export const estRetryAfterMaxSeconds = 600;
/** Clients that wait by EST are told to come at such times that about so many of them come each second. */
export const estReturnsPerSecond = 50;

/** Bytes of a file of rules that is imported, bytes of one line of it, and rules. */
export const rulesFileBytesMax = 8 * 1024 * 1024;
export const rulesLineBytesMax = 64 * 1024;
export const rulesImportedMax = 20_000;
/** Lines of it that are read in one turn of the event loop. */
export const rulesReadAtOnceMax = 100;
/** Milliseconds that such a file may take to arrive. */
export const rulesFileTimeoutMs = 60_000;
/** Imports of rules at once: one is made, the others wait for it. */
export const rulesImportsMax = 4;

/** Streams of live events open at once, over all and of one user; one more is refused. */
export const liveStreamsMax = 500;
export const liveStreamsPerUserMax = 20;
/** Milliseconds after which a silent stream of live events says that it is there. */
export const liveHeartbeatMs = 15_000;
/** How long whoever is sent a backup may take none of it: another one waits for its end. */
export const backupStalledMs = 60_000;
