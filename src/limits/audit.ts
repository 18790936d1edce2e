/** What auditors get: checkpoints, exports, looks back, evidence. */

/** Kinds of JSON objects, by the names of their members, for which it is remembered how the canonical text orders them. */
export const jsonShapesMax = 500;
/** A checkpoint is published after so many new events, or so many milliseconds after the first of them. */
export const checkpointEveryEvents = 1_000;
export const checkpointEveryMs = 5 * 60 * 1_000;
/** Events that one portion of an export holds. */
export const exportBatchMax = 500;
/** Bytes of an export after which its reader is looked at again. */
export const exportPortionBytesMax = 256 * 1024;
/** Bytes of one line of an export; an event is far smaller. */
export const exportLineBytesMax = 4 * 1024 * 1024;
/** Events from the first difference on that an export and a trusted one are compared by, to say what happened. */
export const differenceEventsMax = 1_000;
/** Restores that one look through an export tells of. */
export const restoresShownMax = 100;

/** Events that one explanation tells, the newest. */
export const explainedEventsMax = 1_000;
/** Requests that one window report lists; the rest is counted. */
export const reportedRequestsMax = 5_000;
/** Times that a window's limits were set which an explanation and a report tell; the rest is counted. */
export const limitsToldMax = 1_000;
/** Parts that one answer about activity divides its time into, and where nothing else is asked. */
export const activityBucketsMax = 500;
export const activityBuckets = 96;
/** Entries of the index that one count goes through before others have their turn. */
export const countedAtOnceMax = 10_000;
/** Past requests that one what-if looks at, and how many of them at once; a longer period is refused. */
export const whatIfRequestsMax = 100_000;
export const whatIfPageSize = 100;
/** What-ifs at once: one is judged, the others wait for it. */
export const whatIfsMax = 16;
/** People that evidence for auditors names; the others are counted. Things of which it counts so many at most. */
export const evidencePeopleMax = 1_000;
export const evidenceCountedMax = 1_000;
