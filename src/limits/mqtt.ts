/** The embedded broker, and where MQTT is listened for: connections, packets, sessions, queues, and everybody's share of the processor. */

/** MQTT connections open at once, over all listeners, where no setting says so; one more is closed at once. */
export const mqttConnectionsMax = 20_000;
/** TCP connections that wait to be accepted, if the system allows so many (`net.core.somaxconn`): a plant comes back at once. */
export const mqttBacklog = 4_096;
/** Of these the share of one source, an IPv4 address or the /64 of an IPv6 one; trusted proxies are many. */
export const mqttConnectionsPerSourceMax = 2_000;
/** Milliseconds that a WebSocket has to end after a Close frame. */
export const mqttWebSocketCloseMs = 5_000;
/** Milliseconds between two looks for MQTT sessions whose certificate has ended. */
export const mqttCertificateEndsLookMs = 500;
/** Milliseconds from the TCP connection to a whole CONNECT packet (TLS and HTTP upgrade likewise). */
export const mqttConnectTimeoutMs = 10_000;
/** Milliseconds the registry may take over a CONNECT before it counts as unavailable. */
export const mqttAnswerTimeoutMs = 30_000;
/** Times a CONNECT is judged anew because the account changed in between. */
export const mqttJudgementsMax = 3;
/** Bytes of one MQTT packet, and of what comes before the CONNACK. */
export const mqttPacketBytesMax = 1024 * 1024;
export const mqttConnectBytesMax = 128 * 1024;
/** Bytes that a WebSocket may send before the CONNACK beside its CONNECT: what a socket reads ahead. */
export const mqttReadAheadBytesMax = 128 * 1024;
/** Milliseconds in which a reader whose socket is full has to take something before it is closed. */
export const mqttDrainTimeoutMs = 5_000;
/** Messages of QoS 1 and 2 that one connection was sent and has not acknowledged, where it takes as many; the next one waits. */
export const mqttInFlightMax = 2_000;
/** What waits for one session, one user's sessions and all to be read or acknowledged: beyond, QoS 0 is left out for it, and for more it is closed. */
export const mqttUnreadMessagesMax = 10_000;
export const mqttUnreadBytesMax = 8 * 1024 * 1024;
export const mqttUnreadBytesPerUserMax = 16 * 1024 * 1024;
export const mqttUnreadBytesTotalMax = 128 * 1024 * 1024;
/** Bytes unread beyond which publishers wait for a reader, and milliseconds that they do. */
export const mqttReaderHeldBytes = 256 * 1024;
export const mqttReaderHeldMs = 250;
/** Milliseconds of the processor that one user's sessions have in a turn of the event loop, and all that waits together. */
export const mqttTurnMs = 1;
export const mqttTurnAllMs = 5;
/** Messages that wait for one user's turn and are others'. */
export const mqttDeliveriesWaitingMax = 10_000;
/** Bytes that are read of a connection at once; packets of it that are under way, and their bytes. */
export const mqttReadBytes = 8 * 1024;
export const mqttUnderWayMax = 64;
export const mqttUnderWayBytesMax = 256 * 1024;
/** Bytes that a connection is sent in one write where they come in one turn; a payload of more is not copied for each reader. */
export const mqttGatheredBytes = 16 * 1024;
/** Topics that are known to be read by no stored session. */
export const mqttUnstoredTopics = 10_000;
/** Topics of which the subscriptions are known that match, and how many of each. */
export const mqttMatchedTopics = 1_000;
export const mqttMatchesKept = 16;
/** What counts for a retained message, and for each so many topics looked at: the event loop does it where nobody's clock runs. */
export const mqttRetainedMessageMs = 0.02;
export const mqttRetainedLooked = 256;
export const mqttRetainedLookedMs = 0.05;
/** Bytes that count as unread for a SUBSCRIBE whose retained messages wait for their reader: what that takes of memory. */
export const mqttReplayBytes = 8 * 1024;
/** A user is told as slowed whose work waited so many milliseconds of so many; and how soon again. */
export const mqttSlowedForMs = 5_000;
export const mqttSlowedWindowMs = 10_000;
export const mqttSlowedAgainMs = 60_000;
export const mqttClientIdLengthMax = 256;
/** Bytes of a topic with its publish prefix, and of a topic filter. */
export const mqttTopicBytesMax = 4_096;
export const mqttTopicAliasesMax = 16;
/** User properties of one message; one with more is refused: each costs its every reader. */
export const mqttUserPropertiesMax = 256;
/** Subscriptions of one session; one more is refused. */
export const mqttSubscriptionsMax = 1_000;
/** Subscriptions of all sessions of one user; one more is refused. */
export const mqttSubscriptionsPerUserMax = 10_000;
/**
 * Levels of all those subscriptions together, each of so many characters at most: a longer one counts as several. A message can meet
 * them all, in one piece of work of some 8 ms.
 */
export const mqttFilterLevelsPerUserMax = 30_000;
export const mqttFilterLevelCharacters = 64;
/** Sessions kept for absent clients: per user (the oldest ends), in all (the newest ends), seconds. */
export const mqttStoredSessionsPerUserMax = 16;
export const mqttStoredSessionsMax = 20_000;
export const mqttStoredSessionSecondsMax = 7 * 24 * 60 * 60;
/** Unacknowledged messages of one session, their bytes, and those of all sessions; the newest is dropped. */
export const mqttQueuedMessagesMax = 1_000;
export const mqttQueuedBytesMax = 8 * 1024 * 1024;
export const mqttQueuedBytesTotalMax = 128 * 1024 * 1024;
/** Bytes of the unacknowledged messages of one user's sessions together. */
export const mqttQueuedBytesPerUserMax = 16 * 1024 * 1024;
/** Messages of QoS 2 that one session has sent and not released; one more closes its connection. */
export const mqttReceivedIdsMax = 1_000;
/** Live sessions of one user; one more is refused. */
export const mqttSessionsPerUserMax = 256;
/** Retained messages of clients and their bytes; beyond, a message is sent on but not kept. */
export const mqttRetainedMessagesMax = 20_000;
export const mqttRetainedBytesMax = 64 * 1024 * 1024;
/** Of these the share of one user, who published them last. */
export const mqttRetainedMessagesPerUserMax = 2_000;
export const mqttRetainedBytesPerUserMax = 8 * 1024 * 1024;
