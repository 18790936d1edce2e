/**
 * Loaded into the service with `--import`, in each of its threads: once the file that `KILLED_AT_EVENT_FILE` names is
 * there, the process is killed when the log is about to take an event of the type that `KILLED_AT_EVENT` names.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementResultingChanges } from 'node:sqlite';

const { KILLED_AT_EVENT: type = '', KILLED_AT_EVENT_FILE: armed = '' } = process.env;

const { prepare } = DatabaseSync.prototype;
DatabaseSync.prototype.prepare = function (sql, ...options) {
  const statement = prepare.call(this, sql, ...options);
  if (!this.location()?.endsWith('log.sqlite')) return statement;
  const run: (...values: SQLInputValue[]) => StatementResultingChanges =
    statement.run.bind(statement);
  statement.run = (...values: readonly unknown[]) => {
    if (values.includes(type) && existsSync(armed)) {
      process.kill(process.pid, 'SIGKILL');
      // Nothing more happens until the signal has done its work.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    return run(...(values as SQLInputValue[]));
  };
  return statement;
};
