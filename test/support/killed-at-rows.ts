/**
 * Loaded into the service with `--import`, in each of its threads: once the file that `KILLED_AT_ROWS` names is there,
 * the process is killed when the read models are about to commit. The log has the events by then.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const armed = process.env.KILLED_AT_ROWS ?? '';

function killWhereRowsCommit(database: DatabaseSync, sql: string): void {
  if (!/^\s*COMMIT/i.test(sql) || !existsSync(armed)) return;
  if (!database.location()?.endsWith('read-models.sqlite')) return;
  process.kill(process.pid, 'SIGKILL');
  // Nothing more happens until the signal has done its work.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

const { exec, prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  killWhereRowsCommit(this, sql);
  exec.call(this, sql);
};
DatabaseSync.prototype.prepare = function (sql, ...options) {
  const statement = prepare.call(this, sql, ...options);
  if (!/^\s*COMMIT/i.test(sql)) return statement;
  const run = statement.run.bind(statement);
  statement.run = () => {
    killWhereRowsCommit(this, sql);
    return run();
  };
  return statement;
};
