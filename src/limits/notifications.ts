/** Who is told of what happens: what waits for them, and how long they may take. */

/** Live events that wait for one reader; beyond, it is told to read everything anew. */
export const liveWaitingMax = 1_000;
/** Events behind from which a reader goes on where it was; beyond, it reads everything anew. */
export const liveResumeMax = 1_000;
/** Different knocks told to one reader at once, and the milliseconds they are gathered for. */
export const liveKnocksMax = 50;
export const liveKnocksGatherMs = 250;
/** Clients whose state is sent as a retained MQTT message to one subscription to them all; the newest ones. */
export const registryStatesMax = 10_000;
/** Such states that are made at once, while nothing else is done. */
export const registryStatesPageSize = 100;
/** Milliseconds in which changes to one thing become one message of the registry's own topics. */
export const registryTopicsGatherMs = 50;

/** Milliseconds before each further attempt to deliver a notification, and those one attempt may take. */
export const notificationRetriesMs: readonly number[] = [1_000, 5_000, 30_000, 120_000];
export const notificationTimeoutMs = 10_000;
/** Events that one look for notifications takes. */
export const notificationBatchMax = 100;
/** Notifications that could not be delivered and are kept to be looked at; the oldest are forgotten first. */
export const deadLettersMax = 200;
/** Milliseconds for which new requests are gathered into one message to people. */
export const notificationGatherMs = 2_000;
/** Names that one message to people tells. */
export const notificationNamesMax = 10;
/** Milliseconds that a webhook may take over a checkpoint; the next one says what a lost one said. */
export const checkpointWebhookMs = 3_000;

/** Events that one look for what a SIEM lacks takes, and bytes of leaves that are sent to it at once. */
export const siemEventsAtOnceMax = 1_000;
export const siemPortionBytesMax = 1024 * 1024;
/** Milliseconds for which new events are gathered for it. */
export const siemGatherMs = 500;
/** Milliseconds in which a syslog receiver that is gone shows it, after the last byte; longer than one way and back. */
export const siemSettleMs = 200;
/** Milliseconds that a SIEM has for what it is sent at once, until it counts as away. */
export const siemPortionMaxMs = 60_000;
/** Milliseconds until it is tried again, doubled each time. */
export const siemRetryMinMs = 1_000;
export const siemRetryMaxMs = 30_000;

/** Lines of each kind that the log tells an operator in a minute. */
export const operatorLinesPerMinuteMax = 120;
/** Commands whose source is remembered until their events are told of, some tens of milliseconds later. */
export const sourcesRememberedMax = 2_000;
/** Characters of one text in a log line, items of one list in it, levels of nesting: the rest is cut. */
export const logTextMax = 8_192;
export const logItemsMax = 100;
export const logDepthMax = 5;
