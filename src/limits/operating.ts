/** For who runs the machine: files of the command line, of the configuration and of backups, and a look at the installation. */

/** Bytes of a file named by `GATEBOOK_<NAME>_FILE`. */
export const valueFileBytesMax = 64 * 1024;
/** Bytes of a file that declares roles, rules and clients. */
export const declarationBytesMax = 4 * 1024 * 1024;
/** Bytes of a file of another broker that is imported by the command line, and bytes and values that it sends at once. */
export const importFileBytesMax = 16 * 1024 * 1024;
export const importSentBytesMax = 48 * 1024;
export const importSentValuesMax = 3_000;
/** Requests of an import that are under way at once: the registry takes down one while it activates another. */
export const importRequestsAtOnceMax = 4;

/** Bytes of each of the first two lines of a backup. */
export const backupHeaderBytesMax = 4_096;
/** Bytes of one frame of a backup, as it is stored. */
export const backupFrameBytesMax = 16 * 1024 * 1024;
/** Bytes of one frame of a backup, unpacked: one line can be as long as one of an export, and keys stand together. */
export const backupTextBytesMax = 16 * 1024 * 1024;
/** Characters that a frame of a backup is closed after. */
export const backupFrameTextBytes = 256 * 1024;
/** Events that a backup reads in one turn of a log that stands still. */
export const backupPageEvents = 100;
/** So many times as many where the log goes on meanwhile: more than devices that register bring in a turn. */
export const backupTurnPagesMax = 16;
/** How often a backup looks for a moment in which the log stands still: with a log in this process the first is one. */
export const backupSettlesMax = 1_000;
/** Files of a key folder that a backup takes. */
export const backupKeyFilesMax = 1_000;
/** Characters of a passphrase that encrypts a backup. */
export const backupPassphraseCharactersMin = 12;

/** How far an event may lie ahead of the clock before the clock is said to be wrong. */
export const clockAheadMs = 60_000;
/** Before its end a certificate of the installation is warned of. */
export const certificateEndsSoonDays = 30;
/** How long a look at the installation waits for a broker. */
export const doctorConnectMs = 3_000;
