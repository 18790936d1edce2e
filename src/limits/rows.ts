/** Rows and what is kept beside them: what is held in memory, and what one turn of the event loop looks at. */

/** Rows are committed so many milliseconds after they changed, or after so many events; readable here at once. */
export const rowsCommitAfterMs = 50;
export const rowsCommitEventsMax = 1_000;
/** Characters, as JSON, of the rows of one projection that are held parsed; those longest not looked at are forgotten. */
export const rowsHeldCharactersMax = 2 * 1024 * 1024;
/** The same of clients, who are looked at in each attempt at the doors: 4,200 and more. */
export const clientsHeldCharactersMax = 6 * 1024 * 1024;
/** Keys of one projection that are remembered to have no row; those asked for longest ago are looked for again. */
export const absentKeysMax = 20_000;
/** Prepared statements that are kept for the rows of one projection; the oldest are forgotten. */
export const statementsHeldMax = 256;
/** Texts of past rows whose place is remembered, for each projection that keeps its past. */
export const textIdsHeldMax = 256;
/** KiB of pages of the rows' file in memory; where the rows of a long log are made, which nobody is served beside. */
export const rowsCacheKibibytes = 16 * 1024;
export const draftCacheKibibytes = 64 * 1024;
/** Bytes of such a file that are read where the system holds them; beyond these a page is copied. SQLite takes no more. */
export const draftMappedBytes = 0x7fff0000;

/** Events of a log from which rows that are missing are made in a file of their own, without indexes, by two threads. */
export const bulkFoldEventsMin = 20_000;
/** Pages of events that may wait for the second of them. */
export const bulkFoldPagesWaitingMax = 16;
/** Such pages from which on the first hashes leaves for it. */
export const bulkFoldPagesBehindMin = 8;
/** Milliseconds between two log lines that say how far a start is with folding the log. */
export const catchUpToldEveryMs = 3_000;

/** Rows that a search looks at in one turn of the event loop, for one page, and as so few that they need no turns. */
export const searchedPerStepMax = 500;
export const searchedPerPageMax = 1_000_000;
export const searchedFew = 2_000;
/** Users that are counted for the total of a list: by one index, and one by one where there are other conditions. */
export const usersCountedMax = 1_000_000;
export const usersCountedEachMax = 10_000;
/** Changes of counts that one block for looking back holds: so many are gone through for one look. */
export const tallyBlockChanges = 200;
/** Versions of rows that looking back reads at once. */
export const versionsPerStepMax = 250;
/** Milliseconds that looking back works on before others have their turn. */
export const lookingBackTurnMsMax = 10;

/** Names of which it is kept when they were seen; without access first, then the longest unseen are forgotten. */
export const sightingsMax = 1_000_000;
/** Names whose newest sighting waits to be written, those written at once, and milliseconds between two writes. */
export const sightingsWaitingMax = 200_000;
export const sightingsPerBatchMax = 100;
export const sightingsWriteEveryMs = 5_000;
/** Names to which something happened since the last write; of more it is read in the history. */
export const sightingsNamesHeardMax = 20_000;
/** Milliseconds between two portions of one write: others have their turns. */
export const sightingsPauseMs = 5;
/** Milliseconds between two marks that somebody watches who comes. */
export const sightingsWatchedEveryMs = 60_000;
/** Milliseconds without anybody to watch from which on that counts, and for which at most it counts where no policy says so. */
export const sightingsUnwatchedMs = 3 * 60_000;
export const sightingsGraceMaxMs = 30 * 24 * 3_600_000;
