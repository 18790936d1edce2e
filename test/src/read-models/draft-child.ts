/** A process of its own, to be killed while it makes rows anew: `node draft-child.ts FOLDER` says how far it is. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { foldDraft } from '../../../src/read-models/draft/fold.ts';
import { openSqliteStore } from '../../../src/store/sqlite/store.ts';

const [, , folder = ''] = process.argv;
const store = openSqliteStore({ file: join(folder, 'log.sqlite') });
await foldDraft({
  file: join(folder, 'read-models.sqlite'),
  store: {
    logId: store.logId,
    async readAll(after) {
      await pause(20);
      return await store.readAll(after, 10);
    },
  },
  signal: new AbortController().signal,
  onProgress: (done) => writeSync(1, `${done}\n`),
});
