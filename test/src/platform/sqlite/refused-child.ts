/** A process that may start no thread: `node --permission … refused-child.ts FILE` says after each commit whether the journal waits. */
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { journalWritePages } from '../../../../src/limits/store.ts';
import { createLogger } from '../../../../src/logger.ts';
import { keepJournals } from '../../../../src/platform/sqlite/journals.ts';

const [, , file = ''] = process.argv;
const lines: string[] = [];
const journals = keepJournals(createLogger({ level: 'info', write: (line) => lines.push(line) }));
const database = new DatabaseSync(file);
database.exec('PRAGMA journal_mode = WAL; CREATE TABLE blobs (it)');
const journal = journals.keep(database, pathToFileURL(file));
const waiting: boolean[] = [];
for (let at = 0; at < 4; at++) {
  database.prepare('INSERT INTO blobs VALUES (zeroblob(?))').run(journalWritePages * 4096);
  journal?.committed();
  const { log, checkpointed } = database.prepare('PRAGMA wal_checkpoint(NOOP)').get() as {
    log: number;
    checkpointed: number;
  };
  waiting.push(log - checkpointed >= journalWritePages);
  await journal?.rest();
}
await journals.end();
database.close();
process.stdout.write(JSON.stringify({ waiting, lines }));
