/** What those who ask for access may try, how often, and what is kept of them. */

/**
 * Milliseconds that refusals at the doors are held back, up to the next beat of the clock: many times what a known
 * name costs beyond an unknown one, so that all are told at the same.
 */
export const refusalBeatMs = 2;
/** Milliseconds between two beats of the clock that they wait for. */
export const clockBeatMs = 1;
/** Sources and names whose attempts are counted; the oldest are forgotten first. */
export const sourcesCountedMax = 50_000;
/** Wrong passwords a minute for one name from one source, at every door together. */
export const loginFailuresPerMinute = 30;
/** How many times as many failures a whole /48 may make as one source, at one name and in all. */
export const neighbourFailuresFactor = 4;
/** Weak passwords that a throttled source may still try at a name whose credential it has shown before. */
export const triesWhereKnownPerMinute = 60;
/** Knocks (name and source) that are shown; the oldest are forgotten first. */
export const knocksMax = 1_000;
/** Throttled MQTT clients that are made to wait at once; one more is refused at once. */
export const slowedConnectsMax = 500;
/** Milliseconds that a throttled MQTT client waits for its refusal. */
export const slowedConnectMs = 1_000;

/** Characters of what is sent as an enrolment code, right or wrong. */
export const enrolmentCodeLengthMax = 1_024;
/** Preauthorizations that are looked at for one name, key or code. */
export const rulesForOneMax = 1_000;
/** Standing preauthorizations of any name, by a pattern or by none, that need no proof: all are looked at in each attempt. */
export const rulesOfAnyNameMax = 1_000;
/** Milliseconds for which rules that have ended are still looked at: a clock may be set back. */
export const rulesEndedLookedAtMs = 24 * 60 * 60 * 1_000;
/** Preauthorizations whose newest state is held while they are used. */
export const rulesInUseHeldMax = 1_000;

/** Registration tokens of requests that wait, kept so that a poll signs none: more than wait by default. */
export const registrationTokensHeldMax = 20_000;
/** Pairing ids of requests that wait, kept for as many. */
export const pairingIdsMax = 20_000;
/** Other names that are shown of one key, the newest to ask with it. */
export const namesOfKeyMax = 32;
/** Accounts whose rights are held worked out. */
export const rightsHeldMax = 20_000;
/** Accounts of which what a login takes is held, some 250 bytes of each; of so many in one turn after a start. */
export const knownLoginsMax = 200_000;
export const knownLoginsPerTurn = 50;
/** Lists of permissions that are held once for all accounts that were given the same. */
export const sharedRightsMax = 10_000;
/** Gaps between names that are remembered, where client ids are nobody's name. */
export const nameGapsMax = 16;
