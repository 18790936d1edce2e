/** What SQLite says in numbers (sqlite.org/rescode.html). */

/** Bytes that contradict one another; a file that is none of SQLite's. */
export const damagedCode = 11;
export const notADatabaseCode = 26;

/** Where its cause is SQLite's, the cause decides. */
export const isDamaged = (error: unknown): boolean =>
  [damagedCode, notADatabaseCode].includes(
    sqliteCode(error) ?? sqliteCode((error as Error).cause) ?? 0,
  );

/** SQLite's result code of an error, if SQLite threw it (https://www.sqlite.org/rescode.html). */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  // The upper bytes only say where it happened.
  return Number(error.errcode) & 0xff;
}
