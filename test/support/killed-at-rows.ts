/**
 * Loaded into the service with `--import`, in each of its threads: once the file that `KILLED_AT_ROWS` names is there
 * and the log has committed since, the process is killed when the read models are about to commit.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const armed = process.env.KILLED_AT_ROWS ?? '';
/** Beside it: what was written before the trap was set may still be on its way to the rows. */
const logged = `${armed}.logged`;

function killWhereRowsCommit(database: DatabaseSync): void {
  if (!existsSync(logged) || !database.location()?.endsWith('read-models.sqlite')) return;
  process.kill(process.pid, 'SIGKILL');
  // Nothing more happens until the signal has done its work.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function seeLogCommitted(database: DatabaseSync): void {
  if (existsSync(armed) && database.location()?.endsWith('log.sqlite')) writeFileSync(logged, '');
}

const isCommit = (sql: string) => /^\s*COMMIT/i.test(sql);

const { exec, prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  if (isCommit(sql)) killWhereRowsCommit(this);
  exec.call(this, sql);
  if (isCommit(sql)) seeLogCommitted(this);
};
DatabaseSync.prototype.prepare = function (sql, ...options) {
  const statement = prepare.call(this, sql, ...options);
  if (!isCommit(sql)) return statement;
  const run = statement.run.bind(statement);
  statement.run = () => {
    killWhereRowsCommit(this);
    const changes = run();
    seeLogCommitted(this);
    return changes;
  };
  return statement;
};
