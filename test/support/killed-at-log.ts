/**
 * Loaded into the service with `--import`, in each of its threads: once the file that `KILLED_AT_LOG` names is there,
 * the process is killed at the log's next commit: before it, or, where the file says `after`, when it is on disk. A
 * number behind that says how many commits go by first: `after 3`.
 */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const armed = process.env.KILLED_AT_LOG ?? '';

let passedBy = 0;

function momentOf(): string | null {
  try {
    const [moment = null, count = '0'] = readFileSync(armed, 'utf8').split(' ');
    return passedBy++ < Number(count) ? null : moment;
  } catch {
    passedBy = 0;
    return null;
  }
}

function killed(): never {
  process.kill(process.pid, 'SIGKILL');
  // Nothing more happens until the signal has done its work.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error('killed');
}

function aroundCommit<T>(database: DatabaseSync, sql: string, commit: () => T): T {
  const isLog = /^\s*COMMIT/i.test(sql) && database.location()?.endsWith('log.sqlite');
  const moment = isLog ? momentOf() : null;
  if (moment === 'before') killed();
  const done = commit();
  if (moment === 'after') killed();
  return done;
}

const { exec, prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  aroundCommit(this, sql, () => exec.call(this, sql));
};
DatabaseSync.prototype.prepare = function (sql, ...options) {
  const statement = prepare.call(this, sql, ...options);
  if (!/^\s*COMMIT/i.test(sql)) return statement;
  const run = statement.run.bind(statement);
  statement.run = () => aroundCommit(this, sql, () => run());
  return statement;
};
