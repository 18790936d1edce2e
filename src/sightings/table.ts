/** The side table of who was seen when, beside the log and its rows: bounded, and gone with its file. */
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { makePrivateDatabase } from '../platform/private-file.ts';
import type { Journals } from '../platform/sqlite/journals.ts';

/** Milliseconds since the epoch. */
type Ms = number;

/** What is told of a name. */
export interface Sighting {
  /** Null: never seen. */
  readonly seenMs: Ms | null;
  /** MQTT sessions that it opened in all. */
  readonly sessionTotal: number;
}

/** What is new of a name: when it was seen last, and how many sessions it opened since the last write. */
export interface NewSighting {
  readonly atMs: Ms;
  readonly opened: number;
}

/** Somebody who holds access, and since when nobody saw it: since it was seen, or else since it was given access. */
export interface Unseen {
  readonly username: string;
  readonly sinceMs: Ms;
}

/** What the file itself remembers. */
interface SightingFacts {
  /** The number of the newest event that was looked at; null: none yet. */
  readonly index: number | null;
  /** When somebody last watched who comes; null: never. */
  readonly watchedMs: Ms | null;
  /** Milliseconds to be watched until who was not seen may count as gone. */
  readonly graceMs: number;
}

const nothing: SightingFacts = { index: null, watchedMs: null, graceMs: 0 };

/** Opens the file, made if missing, mode 0600. What another log's clients did is forgotten. @param max rows */
export function openSightingsTable(file: string, logId: string, max: number, journals?: Journals) {
  makePrivateDatabase(file);
  const database = new DatabaseSync(file);
  const journal = journals?.keep(database, pathToFileURL(file));
  database.exec(
    // Killed, the process loses nothing of it; a power cut may take the last seconds.
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;
     PRAGMA secure_delete = ON;
     CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
     CREATE TABLE IF NOT EXISTS sightings
       (username TEXT PRIMARY KEY, seenMs INTEGER, sessionTotal INTEGER NOT NULL, sinceMs INTEGER)
       WITHOUT ROWID;
     CREATE INDEX IF NOT EXISTS sightings_since ON sightings (sinceMs, username);`,
  );
  const saveFact = database.prepare('INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)');
  const fact = (name: string): string | undefined =>
    (
      database.prepare('SELECT value FROM facts WHERE name = ?').get(name) as
        | { value: string }
        | undefined
    )?.value;
  if (fact('log') !== logId) {
    database.exec('DELETE FROM sightings; DELETE FROM facts;');
    saveFact.run('log', logId);
  }

  const count = database.prepare('SELECT count(*) AS found FROM sightings');

  return {
    ...reading(database),
    facts: (): SightingFacts => ({ ...nothing, ...JSON.parse(fact('facts') ?? '{}') }),
    ...writing(database, max, () => numberIn(count.get())),
    saveFacts(facts: SightingFacts): void {
      saveFact.run('facts', JSON.stringify(facts));
    },
    /** All of it or nothing. */
    batch(write: () => void): void {
      database.exec('BEGIN IMMEDIATE');
      try {
        write();
        database.exec('COMMIT');
      } catch (error) {
        // A full disk has SQLite roll back by itself.
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
      journal?.committed();
    },
    close: () => database.close(),
  };
}

export type SightingsTable = ReturnType<typeof openSightingsTable>;

const numberIn = (found: unknown): number => (found as { found: number }).found;

function reading(database: DatabaseSync) {
  const get = database.prepare(
    'SELECT seenMs, sessionTotal FROM sightings WHERE username = @username',
  );
  const unseen = database.prepare(
    `SELECT username, sinceMs FROM sightings
     WHERE sinceMs < @belowMs AND (sinceMs, username) > (@afterMs, @afterName)
     ORDER BY sinceMs, username LIMIT @limit`,
  );
  const countUnseen = database.prepare(
    'SELECT count(*) AS found FROM sightings WHERE sinceMs < @belowMs',
  );
  return {
    of: (username: string): Sighting | undefined => {
      const row = get.get({ username });
      return row === undefined ? undefined : ({ ...row } as unknown as Sighting);
    },
    /** Those that were not seen since `belowMs`, the longest unseen first, behind a place of the list. */
    unseen: (belowMs: Ms, after: Unseen | null, limit: number): Unseen[] =>
      unseen
        .all({
          ...{ belowMs, limit },
          ...{ afterMs: after?.sinceMs ?? -1, afterName: after?.username ?? '' },
        })
        .map((row) => ({ ...row }) as unknown as Unseen),
    countUnseen: (belowMs: Ms): number => numberIn(countUnseen.get({ belowMs })),
  };
}

function writing(database: DatabaseSync, max: number, count: () => number) {
  /** Rows there are at most: counted again where that would be too many. */
  let atMost = count();
  // The one that thousands a second take: parameters by name would take a quarter of it.
  const seen = database.prepare(
    `UPDATE sightings SET
       seenMs = max(coalesce(seenMs, 0), ?2), sessionTotal = sessionTotal + ?3,
       sinceMs = CASE WHEN sinceMs IS NOT NULL THEN max(sinceMs, ?2) END
     WHERE username = ?1`,
  );
  const firstSeen = database.prepare(
    `INSERT INTO sightings (username, seenMs, sessionTotal, sinceMs)
     VALUES (@username, @atMs, @opened, @atMs)`,
  );
  const held = database.prepare(
    `INSERT INTO sightings (username, seenMs, sessionTotal, sinceMs)
     VALUES (@username, NULL, 0, @sinceMs)
     ON CONFLICT (username) DO UPDATE SET sinceMs = max(coalesce(sinceMs, 0), @sinceMs)`,
  );
  const released = database.prepare(
    'UPDATE sightings SET sinceMs = NULL WHERE username = @username',
  );
  const forgotten = database.prepare('DELETE FROM sightings WHERE username = @username');
  // Those without access come first: they sort before all others.
  const trimmed = database.prepare(
    `DELETE FROM sightings WHERE username IN
       (SELECT username FROM sightings ORDER BY sinceMs, username
        LIMIT max(0, (SELECT count(*) FROM sightings) - @max))`,
  );
  const ahead = database.prepare(
    `UPDATE sightings SET sinceMs = @nowMs, seenMs = min(seenMs, @nowMs) WHERE sinceMs > @nowMs`,
  );
  return {
    /** It was seen, where it has a row; whether it has one. */
    seen: (username: string, { atMs, opened }: NewSighting): boolean =>
      seen.run(username, atMs, opened).changes !== 0,
    /** Somebody who has access, but no row, was seen. */
    firstSeen(username: string, { atMs, opened }: NewSighting): void {
      atMost += 1;
      firstSeen.run({ username, atMs, opened });
    },
    /** It holds access, given at `sinceMs` or before. */
    held(username: string, sinceMs: Ms): void {
      atMost += 1;
      held.run({ username, sinceMs });
    },
    /** It holds none, and may again. */
    released(username: string): void {
      released.run({ username });
    },
    forgotten(username: string): void {
      forgotten.run({ username });
    },
    /** Keeps to the greatest number of rows: without access first, then the longest unseen are forgotten. */
    trim(): void {
      if (atMost <= max) return;
      trimmed.run({ max });
      atMost = count();
    },
    /** The clock went back: nobody was seen later than now. */
    notAfter(nowMs: Ms): void {
      ahead.run({ nowMs });
    },
  };
}
