/** Brokers beside the embedded one: how they are asked, told and compared, and what is kept for them. */

/** Clients whose activation at one broker is brought about at once: they share a commit. */
export const activationsAtOnceMax = 64;
/** Milliseconds that a decision waits for brokers beside the embedded one. */
export const activationWaitMs = 1_500;
/** Clients of one broker for which it is remembered why they are not active; the oldest are forgotten. */
export const activationNotesMax = 10_000;
/** Milliseconds until a broker that failed is tried again: the first time, and at most. */
export const brokerRetryMs = 250;
export const brokerRetryMaxMs = 10_000;
/** Milliseconds between two comparisons of a broker with the log. */
export const reconcileEveryMs = 60 * 60 * 1_000;
/** Milliseconds that a comparison waits for what it put right; the rest goes on after its answer. */
export const repairWaitMs = 20_000;
/** Differences between a broker and the log that are shown. */
export const driftShownMax = 10_000;
/** Milliseconds between two looks for tokens whose end closes sessions, and tokens that are read at once. */
export const tokenEndsLookMs = 250;
export const tokenEndsAtOnceMax = 1_000;

/** Milliseconds between two looks whether the files for brokers are to be written, or what failed is to be tried again. */
export const certificateFilesLookEveryMs = 5_000;
/** Milliseconds that the command after them may take, and that a broker then has to read them. */
export const certificateFilesCommandMs = 10_000;
export const certificateFilesSettleMs = 250;

/**
 * Milliseconds after which Mosquitto has closed whoever did not say CONNECT: 90 s, looked at every 5 (2.0.11, measured),
 * and some for a busy machine.
 */
export const mosquittoSilentMs = 100_000;
/** The same of RabbitMQ: 10 s (3.10.8, measured). */
export const rabbitmqSilentMs = 12_000;
/** Names that wait for either; of more the one that waits longest is closed before its time. */
export const lateClosingsMax = 50_000;
/** Commands of one message to Mosquitto, which does nothing else while it runs them. */
export const mosquittoCommandsMax = 32;
/** Milliseconds that Mosquitto may take over one message: each command writes its whole file. */
export const mosquittoAnswerTimeoutMs = 30_000;
export const mosquittoConnectTimeoutMs = 5_000;
/** Accounts that wait for a decision and are laid ready at Mosquitto; more come in when they are granted. */
export const mosquittoStagedMax = 1_000;
/** Passwords in memory on their way to Mosquitto, and milliseconds that they wait for it. */
export const stagedSecretsMax = 1_000;
export const stagedSecretMs = 15 * 60 * 1_000;
/** Milliseconds that the private Mosquitto has to end, and between two copies of its accounts. */
export const privateMosquittoStopMs = 5_000;
export const privateMosquittoCopyMs = 60_000;
/** Bytes of a Unix socket's path (108 on Linux, 104 on macOS, with the zero at its end). */
export const unixPathBytesMax = 100;

/** Milliseconds that the broker behind the gateway has to take a connection. */
export const gatewayUpstreamTimeoutMs = 5_000;
/** Milliseconds until a broker whose queue of connections is full is asked again. */
export const gatewayQueueFullMs = 20;
/** Milliseconds that one side of the gateway has to take what was still under way when the other ended. */
export const gatewayLingerMs = 5_000;
/** Milliseconds that one side of the gateway may take nothing at all while the other has something for it. */
export const gatewayStalledMs = 2 * 60 * 1_000;
/** Bytes of one WebSocket frame at the gateway, which knows no limit of MQTT packets itself. */
export const gatewayFrameBytesMax = 8 * 1024 * 1024;

/** Sessions that came in by hooks and are remembered, for each kind of broker and for one name; the oldest are forgotten. */
export const hookAdmissionsMax = 200_000;
export const hookAdmissionsPerNameMax = 1_000;
/** Rules that a client's ACL at EMQX holds; for more EMQX asks. */
export const hookAclMax = 512;
/** Milliseconds that one call to a broker's REST API may take. */
export const hookApiTimeoutMs = 10_000;
/** Bytes of one answer of it: as many sessions as `hookPageSize` take some 2 MB. */
export const hookApiBytesMax = 16 * 1024 * 1024;
/** Sessions that one answer of a broker's REST API holds, and answers that are read. */
export const hookPageSize = 1_000;
export const hookPagesMax = 100;
/** Milliseconds between two looks whether a broker that asks is there, and when it is not. */
export const hookProbeMs = 10_000;
export const hookProbeDownMs = 1_000;
/**
 * Milliseconds since which a session that was let in may not yet be one, and after which it is closed
 * once more.
 */
export const hookRecentMs = 5_000;
export const hookSettleMs = 500;
