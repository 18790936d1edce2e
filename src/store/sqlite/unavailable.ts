/** What SQLite could not do, as an error of the port. */
import { sqliteCode } from '../../platform/sqlite/result-codes.ts';
import { OwnLogUnavailable } from '../errors.ts';

/** In SQLite's own words, which hold no data; another's error as it is. */
export function unavailableFrom(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const words = (error as { errstr?: unknown }).errstr;
  return new OwnLogUnavailable(`the log does not answer now: ${words} (SQLite ${code})`);
}
