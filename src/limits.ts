/** Every limit of the service by name: sizes, counts and times that no configuration changes. */

/** Bytes of one HTTP request body. */
export const bodyBytesMax = 64 * 1024;
/** Bytes of a file that declares roles, rules and clients. */
export const declarationBytesMax = 4 * 1024 * 1024;

/** Bytes of a file of another broker that is imported by the command line, and bytes and values that it sends at once. */
export const importFileBytesMax = 16 * 1024 * 1024;
export const importSentBytesMax = 48 * 1024;
export const importSentValuesMax = 3_000;
/** Requests of an import that are under way at once: the registry takes down one while it activates another. */
export const importRequestsAtOnceMax = 4;
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
/** Malformed requests a minute to one route from one source, or by one user who is signed in. */
export const malformedPerMinuteMax = 600;
/** Seconds a long poll may wait (`Prefer: wait=N`). */
export const longPollSecondsMax = 60;
/** Long polls that wait at once; one more is answered at once. */
export const longPollsMax = 2_000;
/** Milliseconds a read waits for its `Gatebook-Position`. */
export const positionWaitMs = 2_000;
/** Seconds in `Retry-After` where nothing better is known. */
export const retryAfterSeconds = 5;
/** Seconds after which a device whose name is taken asks once more; the same whoever holds it, and whatever was recorded. */
export const takenRetryAfterSeconds = 5;
/** Attempts of read-decide-append before a conflict is given back to the caller. */
export const decideAttemptsMax = 8;
/** When who proposed a command may ask what became of it. */
export const proposalRetrySeconds = 2;
/** Of a file in a proposal, compressed, in base64: it stands in one event. */
export const proposedFileCharactersMax = 512 * 1024;
/** How long after a proposal's end its answer may be collected. */
export const answerKeptMs = 24 * 60 * 60 * 1_000;
/** How long after it was handed out an answer may be asked for again, by the same session, where it never came; and until when. */
export const collectAgainAfterMs = 5_000;
export const collectAgainUntilMs = 60 * 60 * 1_000;
/** How often, and how long after its last approval, what was approved and is not done is looked for. */
export const carryOutEveryMs = 5_000;
export const carryOutOlderThanMs = 60_000;
/** Preauthorizations that are looked at for one name, key or code. */
export const rulesForOneMax = 1_000;
/** Standing preauthorizations of any name, by a pattern or by none, that need no proof: all are looked at in each attempt. */
export const rulesOfAnyNameMax = 1_000;
/** Milliseconds for which rules that have ended are still looked at: a clock may be set back. */
export const rulesEndedLookedAtMs = 24 * 60 * 60 * 1_000;
/** Preauthorizations whose newest state is held while they are used. */
export const rulesInUseHeldMax = 1_000;
/** Commands that wait for approvers at once; of one person. */
export const proposalsWaitingMax = 1_000;
export const proposalsWaitingPerPersonMax = 200;
/** Schedules of windows that stand at once. */
export const schedulesMax = 50;
/** How far ahead a window may be scheduled. */
export const scheduledAheadMsMax = 400 * 24 * 60 * 60 * 1_000;
/** How often schedules are looked at. */
export const schedulesEveryMs = 500;
/** Events that one `readAll` or one batch of `follow` holds. */
export const readBatchMax = 1_000;
/** Appends that wait for the next commit of the embedded log. */
export const appendsWaitingMax = 10_000;
/** Passwords that wait for a slow hash, of people who sign in and at the doors each, over all sources. */
export const hashesWaitingMax = 512;
/** Rows that a search looks at in one turn of the event loop, for one page, and as so few that they need no turns. */
export const searchedPerStepMax = 500;
export const searchedPerPageMax = 1_000_000;
/** Versions of rows that looking back reads at once. */
export const versionsPerStepMax = 250;
/** Milliseconds that looking back works on before others have their turn. */
export const lookingBackTurnMsMax = 10;
export const searchedFew = 2_000;
/** Users that are counted for the total of a list: by one index, and one by one where there are other conditions. */
export const usersCountedMax = 1_000_000;
export const usersCountedEachMax = 10_000;
/** Changes of counts that one block for looking back holds: so many are gone through for one look. */
export const tallyBlockChanges = 200;
/** Prepared statements that are kept for the rows of one projection; the oldest are forgotten. */
export const statementsHeldMax = 256;
/** Characters, as JSON, of the rows of one projection that are held parsed; those longest not looked at are forgotten. */
export const rowsHeldCharactersMax = 2 * 1024 * 1024;
/** The same of clients, who are looked at in each attempt at the doors: 4,200 and more. */
export const clientsHeldCharactersMax = 6 * 1024 * 1024;
/** KiB of pages of the rows' file in memory; where the rows of a long log are made, which nobody is served beside. */
export const rowsCacheKibibytes = 16 * 1024;
export const draftCacheKibibytes = 64 * 1024;
/** Keys of one projection that are remembered to have no row; those asked for longest ago are looked for again. */
export const absentKeysMax = 20_000;
/** Rows are committed so many milliseconds after they changed, or after so many events; readable here at once. */
export const rowsCommitAfterMs = 50;
export const rowsCommitEventsMax = 1_000;
/** Pages of a journal that wait until they are written into their file, and pages from which the commit itself does it. */
export const journalWritePages = 1_000;
export const journalPagesMax = 8_000;
/** Milliseconds in which that falls due twice before a thread is started for it, and those it stays with nothing to do. */
export const journalsGrowFastMs = 2_000;
export const journalThreadIdleMs = 60_000;
/** Events of a log from which rows that are missing are made in a file of their own, without indexes, by two threads. */
export const bulkFoldEventsMin = 20_000;
/** Pages of events that may wait for the second of them. */
export const bulkFoldPagesWaitingMax = 4;
/** Kinds of JSON objects, by the names of their members, for which it is remembered how the canonical text orders them. */
export const jsonShapesMax = 500;
/** Texts of past rows whose place is remembered, for each projection that keeps its past. */
export const textIdsHeldMax = 256;
/** Milliseconds within which a slow hash must begin; fewer wait where not all of them would. */
export const hashWaitMsMax = 2_000;
/** Milliseconds that a slow hash counts for until this machine's were measured. */
export const hashMsAtFirst = 20;
/** Remembered fingerprints of passwords that were right. */
export const fingerprintsMax = 200_000;
/** Characters of a certificate signing request; one with RSA 4096 has 1,700. */
export const csrLengthMax = 16_384;
/** A username that is a CN, too (RFC 5280, ub-common-name). */
export const csrUsernameLengthMax = 64;
/** Other names that are shown of one key, the newest to ask with it. */
export const namesOfKeyMax = 32;
/** Values within values in DER that somebody sends. */
export const derDepthMax = 16;
/** Life of a list of revoked certificates, and how long before its end another is signed, asked for or not. */
export const crlDays = 7;
export const crlRenewedDaysBefore = 3;
export const crlSignedAtMostEveryMs = 1_000;
/** Milliseconds between two looks whether it is time for that, and that such a list waits for its event. */
export const crlLookEveryMs = 60_000;
export const crlRenewalWaitMs = 10_000;
/** Milliseconds that the event of a list may lie ahead of this node's clock. */
export const crlAheadMsMax = 5 * 60_000;
/** Days ahead that ends of certificates are looked for; and how many days before its end one counts as expiring. */
export const certificateDaysMax = 3_650;
export const certificateExpiringDays = 30;
/** The same of access. */
export const endDaysMax = 3_650;
export const grantEndingDays = 30;
/** Milliseconds that a count of those is held, however often somebody scrapes. */
export const endsCountedEveryMs = 5_000;
/** Milliseconds between two looks for clients that were not seen for too long. */
export const staleLookMs = 60_000;
/** Leads at which ends are warned of; milliseconds between two looks, and for which a look goes back once more. */
export const endWarningsMax = 8;
export const endWarningsLookMs = 10_000;
export const endWarningsAgainMs = 10 * 60_000;
/** Sources and names whose attempts are counted; the oldest are forgotten first. */
export const sourcesCountedMax = 50_000;
/** Knocks (name and source) that are shown; the oldest are forgotten first. */
export const knocksMax = 1_000;
/** Sign-ins that succeeded and named tokens made, a minute for one name: each is an event. */
export const tokensPerUserPerMinute = 60;
/** Tokens of one name that are good at once, of logins (the oldest ends) and named ones (one more is refused). */
export const liveTokensPerUserMax = 100;
/** Times a minute that one name changes its own password. */
export const rotationsPerUserPerMinute = 20;
/**
 * Milliseconds that refusals at the doors are held back, up to the next beat of the clock: many times what a known
 * name costs beyond an unknown one, so that all are told at the same.
 */
export const refusalBeatMs = 2;
/** Milliseconds between two beats of the clock that they wait for. */
export const clockBeatMs = 1;
/** Wrong passwords a minute for one name from one source, at every door together. */
export const loginFailuresPerMinute = 30;
/** How many times as many failures a whole /48 may make as one source, at one name and in all. */
export const neighbourFailuresFactor = 4;
/** Weak passwords that a throttled source may still try at a name whose credential it has shown before. */
export const triesWhereKnownPerMinute = 60;
/** Tokens that are revoked at once when keys are retired: they share a commit. */
export const tokensEndedAtOnceMax = 64;
/** Tokens whose signature was checked, kept so that it is not checked again. */
export const verifiedTokensMax = 20_000;
/** Registration tokens of requests that wait, kept so that a poll signs none: more than wait by default. */
export const registrationTokensHeldMax = 20_000;
/** Pairing ids of requests that wait, kept for as many. */
export const pairingIdsMax = 20_000;
/** Keys of personal data held open: a list shows some hundreds of people, and reading one from the vault takes microseconds. */
export const personalKeysMax = 2_000;
/** Milliseconds the body of one HTTP request may take to arrive. */
export const bodyTimeoutMs = 10_000;
/** Milliseconds between two looks whether the caller of an answer that takes long still may have it. */
export const callerLookMs = 1_000;
/** Faults that one problem names; the others are counted. */
export const faultsNamedMax = 20;
/** Bytes of all headers of one HTTP request. */
export const headerBytesMax = 16 * 1024;
/** Milliseconds the headers of one HTTP request may take to arrive. */
export const headersTimeoutMs = 10_000;
/** Milliseconds one whole HTTP request may take to arrive. */
export const requestTimeoutMs = 30_000;
/** Milliseconds an idle HTTP connection is kept, longer than load balancers keep theirs. */
export const keepAliveTimeoutMs = 65_000;
/** HTTP connections of one listener at once; more are closed at once. */
export const connectionsMax = 20_000;
/** Milliseconds that running HTTP requests have to end when the service stops. */
export const stopGraceMs = 10_000;
/** Milliseconds that a body nobody wants is still taken, so that its sender sees the answer. */
export const lingerMs = 2_000;
/** Hops of `X-Forwarded-For` that are followed. */
export const forwardedHopsMax = 32;
/** Characters of what is sent as an enrolment code, right or wrong. */
export const enrolmentCodeLengthMax = 1_024;
/** Bytes of one password in UTF-8. */
export const passwordBytesMax = 1_024;
/** People that evidence for auditors names; the others are counted. Things of which it counts so many at most. */
export const evidencePeopleMax = 1_000;
export const evidenceCountedMax = 1_000;
/** Slow hashes at once, at most: libuv's pool has four threads, and one must stay for files. */
export const hashesAtOnceMax = 3;
/** Bytes of one token; a longer one is refused unread. */
export const tokenBytesMax = 4 * 1024;
/** Seconds by which a token may have been issued ahead of this node's clock. */
export const clockSkewSecondsMax = 300;
/** Milliseconds between two looks into the key folder for a key that is not known. */
export const keysLookMs = 1_000;
/** Milliseconds after which the signing keys are read again, so that other nodes' rotations arrive. */
export const keysFreshMs = 10_000;
/** Verifiers of strong passwords held open, some 280 bytes each. */
export const verifiersHeldMax = 200_000;
/** Events and bytes that one commit of the embedded log takes; a single append may be larger. */
export const commitEventsMax = 1_000;
export const commitBytesMax = 8 * 1024 * 1024;
/** Events that were appended last and their characters, held for who follows the embedded log. */
export const newestEventsHeldMax = 128;
export const newestCharactersHeldMax = 1024 * 1024;
/** Bytes of the appends that wait for the next commit of the embedded log. */
export const appendBytesWaitingMax = 64 * 1024 * 1024;
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
/** What waits for one session, one user's sessions and all to be read: beyond, QoS 0 is left out for it, and for more it is closed. */
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
/** What counts for a retained message, and for each so many topics looked at: the event loop does it where nobody's clock runs. */
export const mqttRetainedMessageMs = 0.02;
export const mqttRetainedLooked = 256;
export const mqttRetainedLookedMs = 0.05;
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
/** Names of which it is kept when they were seen; without access first, then the longest unseen are forgotten. */
export const sightingsMax = 1_000_000;
/** Names whose newest sighting waits to be written, those written at once, and milliseconds between two writes. */
export const sightingsWaitingMax = 200_000;
export const sightingsPerBatchMax = 100;
export const sightingsWriteEveryMs = 5_000;
/** Milliseconds between two portions of one write: others have their turns. */
export const sightingsPauseMs = 5;
/** Milliseconds between two marks that somebody watches who comes. */
export const sightingsWatchedEveryMs = 60_000;
/** Milliseconds without anybody to watch from which on that counts, and for which at most it counts where no policy says so. */
export const sightingsUnwatchedMs = 3 * 60_000;
export const sightingsGraceMaxMs = 30 * 24 * 3_600_000;
/** Accounts whose rights are held worked out. */
export const rightsHeldMax = 20_000;
/** Accounts of which what a login takes is held, some 250 bytes of each; of so many in one turn after a start. */
export const knownLoginsMax = 200_000;
export const knownLoginsPerTurn = 50;
/** Lists of permissions that are held once for all accounts that were given the same. */
export const sharedRightsMax = 10_000;
/** Gaps between names that are remembered, where client ids are nobody's name. */
export const nameGapsMax = 16;
/** Throttled MQTT clients that are made to wait at once; one more is refused at once. */
export const slowedConnectsMax = 500;
/** Milliseconds that a throttled MQTT client waits for its refusal. */
export const slowedConnectMs = 1_000;
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
/**
 * Appends to KurrentDB under way at once on one connection. From 16 on the client's own queue fills, and what stands
 * in it when the connection breaks becomes a rejection that nobody can handle.
 */
export const storeAppendsAtOnceMax = 15;
/** Connections to KurrentDB that appends go over, each opened when those before it are full. */
export const storeAppendConnectionsMax = 4;
/** Vault streams that are looked at together, whether they were deleted. */
export const vaultLooksAtOnceMax = 32;
/** Clients whose activation at one broker is brought about at once: they share a commit. */
export const activationsAtOnceMax = 64;
/** Milliseconds until a broker that failed is tried again: the first time, and at most. */
export const brokerRetryMs = 250;
export const brokerRetryMaxMs = 10_000;
/** Milliseconds between two looks for tokens whose end closes sessions, and tokens that are read at once. */
export const tokenEndsLookMs = 250;
export const tokenEndsAtOnceMax = 1_000;
/** Milliseconds between two comparisons of a broker with the log. */
export const reconcileEveryMs = 60 * 60 * 1_000;
/** Clients of one broker for which it is remembered why they are not active; the oldest are forgotten. */
export const activationNotesMax = 10_000;
/** Differences between a broker and the log that are shown. */
export const driftShownMax = 10_000;
/** Milliseconds that a decision waits for brokers beside the embedded one. */
export const activationWaitMs = 1_500;
/** Streams of live events open at once, over all and of one user; one more is refused. */
export const liveStreamsMax = 500;
export const liveStreamsPerUserMax = 20;
/** Live events that wait for one reader; beyond, it is told to read everything anew. */
export const liveWaitingMax = 1_000;
/** Events behind from which a reader goes on where it was; beyond, it reads everything anew. */
export const liveResumeMax = 1_000;
/** Different knocks told to one reader at once, and the milliseconds they are gathered for. */
export const liveKnocksMax = 50;
export const liveKnocksGatherMs = 250;
/** Milliseconds after which a silent stream of live events says that it is there. */
export const liveHeartbeatMs = 15_000;
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
/** Characters of one text in a log line, items of one list in it, levels of nesting: the rest is cut. */
export const logTextMax = 8_192;
export const logItemsMax = 100;
export const logDepthMax = 5;
/** Bytes of a file named by `GATEBOOK_<NAME>_FILE`. */
export const valueFileBytesMax = 64 * 1024;
/** A checkpoint is published after so many new events, or so many milliseconds after the first of them. */
export const checkpointEveryEvents = 1_000;
export const checkpointEveryMs = 5 * 60 * 1_000;
/** Events that one portion of an export holds. */
export const exportBatchMax = 500;
/** Bytes of an export after which its reader is looked at again. */
export const exportPortionBytesMax = 256 * 1024;
/** Milliseconds that the private Mosquitto has to end, and between two copies of its accounts. */
export const privateMosquittoStopMs = 5_000;
export const privateMosquittoCopyMs = 60_000;
/** Bytes of a Unix socket's path (108 on Linux, 104 on macOS, with the zero at its end). */
export const unixPathBytesMax = 100;
/** Events from the first difference on that an export and a trusted one are compared by, to say what happened. */
export const differenceEventsMax = 1_000;
/** Bytes of one line of an export; an event is far smaller. */
export const exportLineBytesMax = 4 * 1024 * 1024;
/** Milliseconds that the broker behind the gateway has to take a connection. */
export const gatewayUpstreamTimeoutMs = 5_000;
/** Milliseconds until a broker whose queue of connections is full is asked again. */
export const gatewayQueueFullMs = 20;
/** Milliseconds that one side of the gateway has to take what was still under way when the other ended. */
export const gatewayLingerMs = 5_000;
/** Bytes of one WebSocket frame at the gateway, which knows no limit of MQTT packets itself. */
export const gatewayFrameBytesMax = 8 * 1024 * 1024;
/** Milliseconds that a comparison waits for what it put right; the rest goes on after its answer. */
export const repairWaitMs = 20_000;
/** Milliseconds that one side of the gateway may take nothing at all while the other has something for it. */
export const gatewayStalledMs = 2 * 60 * 1_000;
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
/** Milliseconds after which a node that was away no longer acts on what it held. */
export const leaseMs = 5_000;
/** Milliseconds between two looks whether the lease is still heard of: several of them within `leaseMs`. */
export const leaseBeatMs = 500;
/** Milliseconds between two attempts at a lease that another node holds. */
export const leaseRetryMs = 100;
/** Milliseconds of silence after which a node counts as cut off from the store, and admits nobody new. */
export const storeSilenceMaxMs = 10_000;
/** Clients whose state is sent as a retained MQTT message to one subscription to them all; the newest ones. */
export const registryStatesMax = 10_000;
/** Such states that are made at once, while nothing else is done. */
export const registryStatesPageSize = 100;
/** Milliseconds in which changes to one thing become one message of the registry's own topics. */
export const registryTopicsGatherMs = 50;
/** Sessions that came in by hooks and are remembered, for each kind of broker and for one name; the oldest are forgotten. */
export const hookAdmissionsMax = 200_000;
export const hookAdmissionsPerNameMax = 1_000;
/** Rules that a client's ACL at EMQX holds; for more EMQX asks. */
export const hookAclMax = 512;
/** Milliseconds that one call to a broker's REST API may take. */
export const hookApiTimeoutMs = 10_000;
/** Bytes of one answer of it: as many sessions as `hookPageSize` take some 2 MB. */
export const hookApiBytesMax = 16 * 1024 * 1024;
/** Milliseconds between two looks whether a broker that asks is there, and when it is not. */
export const hookProbeMs = 10_000;
export const hookProbeDownMs = 1_000;
/**
 * Milliseconds since which a session that was let in may not yet be one, and after which it is closed
 * once more.
 */
export const hookRecentMs = 5_000;
export const hookSettleMs = 500;
/** Sessions that one answer of a broker's REST API holds, and answers that are read. */
export const hookPageSize = 1_000;
export const hookPagesMax = 100;
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
/** Secrets of the vault that are read at once to see whether anybody needs them, and looked at in one turn of the event loop. */
export const sweptAtOnceMax = 200;
export const sweptPerTurnMax = 20;
/** Milliseconds from the start to the first look through the whole vault, and between two of them. */
export const firstSweepAfterMs = 5 * 60 * 1_000;
export const sweepEveryMs = 60 * 60 * 1_000;
/** Milliseconds between two looks at the store's disks, for what is left of the erased there, and at least between two that were asked for. */
export const erasuresLookEveryMs = 5 * 60 * 1_000;
export const erasuresLookApartMs = 2_000;
/** Milliseconds that the list of erasures waits for such a look. */
export const erasuresLookWaitMs = 5_000;
/** Erasures that are read at a time. */
export const erasuresReadAtOnceMax = 1_000;
/** Milliseconds that a secret may stand before the event that names it is written. */
export const orphanAgeMs = 15 * 60 * 1_000;
/** Decisions of one bulk that run at once: they share a commit. */
export const bulkAtOnceMax = 64;
/** Requests or grants that the expiry job ends in one turn, so that nothing else waits long. */
export const dueAtOnceMax = 4 * bulkAtOnceMax;
/** Milliseconds between two log lines that say how far a start is with folding the log. */
export const catchUpToldEveryMs = 3_000;
/** Milliseconds that a start waits for a server that does not answer, and between two log lines that say so. */
export const storeWaitMs = 2 * 60 * 1_000;
export const storeWaitToldEveryMs = 10_000;

// TLS

/** How often the files of a given server certificate are looked at. */
export const certificateLookEveryMs = 2_000;
/** A given certificate chain, or its key. */
export const certificateFileBytesMax = 65_536;
/** From a connection to the end of its TLS handshake. */
export const tlsHandshakeTimeoutMs = 10_000;
/** Certificates from the issuer's to the root's. */
export const chainCertificatesMax = 8;
/** Life of the certificate that the registry's CA issues to the service itself. */
export const serverCertificateDays = 90;
/** The part of that life after which it is renewed. */
export const serverCertificateRenewedAt = 2 / 3;
export const serverCertificateLookEveryMs = 60_000;

/** Milliseconds between two looks whether the files for brokers are to be written, or what failed is to be tried again. */
export const certificateFilesLookEveryMs = 5_000;
/** Milliseconds that the command after them may take, and that a broker then has to read them. */
export const certificateFilesCommandMs = 10_000;
export const certificateFilesSettleMs = 250;

/** Certificates that a client may ask for to follow its current one, a minute. */
export const renewalsPerMinuteMax = 10;

/** Milliseconds that a sign-in at the identity provider lasts at most, with all its tokens. */
export const ssoSessionMaxMs = 24 * 60 * 60 * 1_000;
/** Groups of the identity provider that have roles here. */
export const ssoGroupsMax = 256;
/** Milliseconds from the button to the way back: what the browser keeps meanwhile ends then. */
export const ssoFlowMs = 10 * 60 * 1_000;
/** Sign-ins whose one use is remembered until they end; of more, the oldest may come back once more. */
export const ssoFlowsSeenMax = 100_000;
/** Milliseconds that one request to the identity provider may take. */
export const ssoRequestTimeoutMs = 5_000;
/** Bytes of one answer of the identity provider. */
export const ssoResponseBytesMax = 262_144;
/** Requests of sign-ins to the identity provider that are under way at once. */
export const ssoRequestsAtOnceMax = 32;
/** Milliseconds until what the identity provider says of itself is asked anew. */
export const ssoMetadataFreshMs = 60 * 60 * 1_000;
/** Milliseconds that a provider is left alone that did not answer. */
export const ssoProviderRestMs = 2_000;
/** Characters of a subject (OpenID Connect Core, section 2). */
export const ssoSubjectCharactersMax = 255;
/** Groups of one person that are looked at. */
export const ssoGroupsOfPersonMax = 10_000;
/** Sign-ins of command lines that wait for their person, in all. */
export const deviceSignInsMax = 200;
/** The same from one source. */
export const deviceSignInsPerSourceMax = 10;
/** Milliseconds that one of them waits at most, whatever the provider says. */
export const deviceSignInMaxMs = 15 * 60 * 1_000;

// EST

/** The longest that `Retry-After` of EST says, in seconds. */
export const estRetryAfterMaxSeconds = 600;
/** Clients that wait by EST are told to come at such times that about so many of them come each second. */
export const estReturnsPerSecond = 50;

/** Holders of a role whom a proposal to widen it names. */
export const holdersShownMax = 1_000;
/** Bytes of each of the first two lines of a backup. */
export const backupHeaderBytesMax = 4_096;
/** Bytes of one frame of a backup, as it is stored. */
export const backupFrameBytesMax = 16 * 1024 * 1024;
/** Bytes of one frame of a backup, unpacked: one line can be as long as one of an export, and keys stand together. */
export const backupTextBytesMax = 16 * 1024 * 1024;
/** Characters that a frame of a backup is closed after. */
export const backupFrameTextBytes = 256 * 1024;
/** Events that a backup reads in one turn. */
export const backupPageEvents = 100;
/** How often a backup looks for a moment in which the log stands still: with a log in this process the first is one. */
export const backupSettlesMax = 1_000;
/** Files of a key folder that a backup takes. */
export const backupKeyFilesMax = 1_000;
/** How long whoever is sent a backup may take none of it: another one waits for its end. */
export const backupStalledMs = 60_000;
/** Characters of a passphrase that encrypts a backup. */
export const backupPassphraseCharactersMin = 12;
/** Restores that one look through an export tells of. */
export const restoresShownMax = 100;
/** How often the room on the disk is looked at. */
export const diskLookMs = 10_000;
/** How far an event may lie ahead of the clock before the clock is said to be wrong. */
export const clockAheadMs = 60_000;
/** Before its end a certificate of the installation is warned of. */
export const certificateEndsSoonDays = 30;
/** How long a look at the installation waits for a broker. */
export const doctorConnectMs = 3_000;
/** Lines of each kind that the log tells an operator in a minute. */
export const operatorLinesPerMinuteMax = 120;
/** Commands whose source is remembered until their events are told of, some tens of milliseconds later. */
export const sourcesRememberedMax = 2_000;
