/** Loaded with `--import`: a thread ends at its next commit, before or after it, once the file `ENDED_AT_COMMIT` names says which. */
import { existsSync, readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';

const armed = process.env.ENDED_AT_COMMIT ?? '';
const { prepare } = DatabaseSync.prototype;

if (!isMainThread)
  DatabaseSync.prototype.prepare = function (sql, ...options) {
    const statement = prepare.call(this, sql, ...options);
    if (sql !== 'COMMIT') return statement;
    const run = statement.run.bind(statement);
    statement.run = () => {
      const moment = existsSync(armed) ? readFileSync(armed, 'utf8') : '';
      if (moment === 'before') process.exit(1);
      const done = run();
      if (moment === 'after') process.exit(1);
      return done;
    };
    return statement;
  };
