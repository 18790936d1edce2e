/** What administrators have decided at once, and what waits for several people or for its time. */

/** Attempts of read-decide-append before a conflict is given back to the caller. */
export const decideAttemptsMax = 8;
/** Decisions of one bulk that run at once: they share a commit. */
export const bulkAtOnceMax = 64;
/** When who proposed a command may ask what became of it. */
export const proposalRetrySeconds = 2;
/** Commands that wait for approvers at once; of one person. */
export const proposalsWaitingMax = 1_000;
export const proposalsWaitingPerPersonMax = 200;
/** Of a file in a proposal, compressed, in base64: it stands in one event. */
export const proposedFileCharactersMax = 512 * 1024;
/** Holders of a role whom a proposal to widen it names. */
export const holdersShownMax = 1_000;
/** How long after a proposal's end its answer may be collected. */
export const answerKeptMs = 24 * 60 * 60 * 1_000;
/** How long after it was handed out an answer may be asked for again, by the same session, where it never came; and until when. */
export const collectAgainAfterMs = 5_000;
export const collectAgainUntilMs = 60 * 60 * 1_000;
/** How often, and how long after its last approval, what was approved and is not done is looked for. */
export const carryOutEveryMs = 5_000;
export const carryOutOlderThanMs = 60_000;
/** Schedules of windows that stand at once. */
export const schedulesMax = 50;
/** How far ahead a window may be scheduled. */
export const scheduledAheadMsMax = 400 * 24 * 60 * 60 * 1_000;
