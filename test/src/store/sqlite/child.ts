/** A process of its own for the tests of the embedded log: `node child.ts open|append|append-by-thread FILE`. */
import { writeSync } from 'node:fs';
import { createLogger } from '../../../../src/logger.ts';
import { keepJournals } from '../../../../src/platform/sqlite/journals.ts';
import { noStream } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { newEvent } from '../../../support/stored-events.ts';
import { openedInThread } from './world.ts';

const [, , what = '', file = ''] = process.argv;

/** Says a line before it returns: a pipe that is full for the moment is waited for. */
function say(line: unknown): void {
  for (;;) {
    try {
      writeSync(1, `${JSON.stringify(line)}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Appends on 32 streams at once, for ever, and says what was acknowledged. */
async function appendUntilKilled(): Promise<void> {
  const logger = createLogger({ level: 'info', write: say });
  const store =
    what === 'append'
      ? openSqliteStore({ file, journals: keepJournals(logger) })
      : await openedInThread({ file });
  const run = `${process.pid}`;
  await Promise.all(
    Array.from({ length: 32 }, async (_, stream) => {
      for (let revision = noStream; ; revision++) {
        const event = newEvent({ text: 'x'.repeat(stream * 40) });
        await store.append(`client-${run}-${stream}`, revision, [event]);
        say(event.eventId);
      }
    }),
  );
}

try {
  if (what !== 'open') await appendUntilKilled();
  const store = openSqliteStore({ file });
  say({ opened: store.logId });
  await store.close();
} catch (error) {
  const { name, message } = error as Error;
  say({ name, message });
}
