/** Passwords, tokens, keys and certificates: their size, their life, their rates, and how many of them are held. */

/** Bytes of one password in UTF-8. */
export const passwordBytesMax = 1_024;
/** Slow hashes at once, at most: libuv's pool has four threads, and one must stay for files. */
export const hashesAtOnceMax = 3;
/** Passwords that wait for a slow hash, of people who sign in and at the doors each, over all sources. */
export const hashesWaitingMax = 512;
/** Milliseconds within which a slow hash must begin; fewer wait where not all of them would. */
export const hashWaitMsMax = 2_000;
/** Milliseconds that a slow hash counts for until this machine's were measured. */
export const hashMsAtFirst = 20;
/** Remembered fingerprints of passwords that were right. */
export const fingerprintsMax = 200_000;
/** Verifiers of strong passwords held open, some 280 bytes each. */
export const verifiersHeldMax = 200_000;
/** Keys of personal data held open: a list shows some hundreds of people, and reading one from the vault takes microseconds. */
export const personalKeysMax = 2_000;
/** Times a minute that one name changes its own password. */
export const rotationsPerUserPerMinute = 20;

/** Bytes of one token; a longer one is refused unread. */
export const tokenBytesMax = 4 * 1024;
/** Seconds by which a token may have been issued ahead of this node's clock. */
export const clockSkewSecondsMax = 300;
/** Tokens whose signature was checked, kept so that it is not checked again. */
export const verifiedTokensMax = 20_000;
/** Sign-ins that succeeded and named tokens made, a minute for one name: each is an event. */
export const tokensPerUserPerMinute = 60;
/** Tokens of one name that are good at once, of logins (the oldest ends) and named ones (one more is refused). */
export const liveTokensPerUserMax = 100;
/** Tokens that are revoked at once when keys are retired: they share a commit. */
export const tokensEndedAtOnceMax = 64;
/** Tokens or clients' fields at once from which a thread signs or seals them, and the milliseconds it stays with nothing to do. */
export const cryptoTogetherMin = 8;
export const cryptoThreadIdleMs = 60_000;
/** Milliseconds between two looks into the key folder for a key that is not known. */
export const keysLookMs = 1_000;
/** Milliseconds after which the signing keys are read again, so that other nodes' rotations arrive. */
export const keysFreshMs = 10_000;

/** Vault streams that are looked at together, whether they were deleted. */
export const vaultLooksAtOnceMax = 32;
/** Secrets of the vault that are read at once to see whether anybody needs them, and looked at in one turn of the event loop. */
export const sweptAtOnceMax = 200;
export const sweptPerTurnMax = 20;
/** Names whose secrets could not be opened that one line of the service's own log says. */
export const unreadableNamedMax = 20;
/** Milliseconds from the start to the first look through the whole vault, and between two of them. */
export const firstSweepAfterMs = 5 * 60 * 1_000;
export const sweepEveryMs = 60 * 60 * 1_000;
/** Milliseconds that a secret may stand before the event that names it is written. */
export const orphanAgeMs = 15 * 60 * 1_000;

/** Characters of a certificate signing request; one with RSA 4096 has 1,700. */
export const csrLengthMax = 16_384;
/** A username that is a CN, too (RFC 5280, ub-common-name). */
export const csrUsernameLengthMax = 64;
/** Values within values in DER that somebody sends. */
export const derDepthMax = 16;
/** Certificates from the issuer's to the root's. */
export const chainCertificatesMax = 8;
/** Certificates that a client may ask for to follow its current one, a minute. */
export const renewalsPerMinuteMax = 10;
/** Life of a list of revoked certificates, and how long before its end another is signed, asked for or not. */
export const crlDays = 7;
export const crlRenewedDaysBefore = 3;
export const crlSignedAtMostEveryMs = 1_000;
/** Milliseconds between two looks whether it is time for that, and that such a list waits for its event. */
export const crlLookEveryMs = 60_000;
export const crlRenewalWaitMs = 10_000;
/** Milliseconds that the event of a list may lie ahead of this node's clock. */
export const crlAheadMsMax = 5 * 60_000;

/** Life of the certificate that the registry's CA issues to the service itself. */
export const serverCertificateDays = 90;
/** The part of that life after which it is renewed. */
export const serverCertificateRenewedAt = 2 / 3;
export const serverCertificateLookEveryMs = 60_000;
/** How often the files of a given server certificate are looked at. */
export const certificateLookEveryMs = 2_000;
/** A given certificate chain, or its key. */
export const certificateFileBytesMax = 65_536;
