/** A process whose disk or thread has faults: `node disk-child.ts failed|held|ended|refused FILE [thread]` says what became of appends. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../../../src/logger.ts';
import { keepJournals } from '../../../../src/platform/sqlite/journals.ts';
import { beginning, type EventStore, noStream } from '../../../../src/store/event-store.ts';
import { openSqliteStore } from '../../../../src/store/sqlite/store.ts';
import { newEvent, wholeLog } from '../../../support/stored-events.ts';
import { errorOf, openedInThread } from './world.ts';

const [, , what = '', file = '', by = ''] = process.argv;
const faultsIn = process.env.SYNC_FAULTS ?? dirname(file);
const [fail, hold, held] = ['fail', 'hold', 'held'].map((name) => join(faultsIn, name)) as [
  string,
  string,
  string,
];

const nameOf = async (promise: Promise<unknown>): Promise<string | undefined> =>
  ((await errorOf(promise)) as Error | undefined)?.name;

const secret = (id: string) => ({ stream: `vault-${id}`, event: newEvent({}, 'SecretKept') });

/** What anybody is told who asks. */
const told = async (store: EventStore) => ({
  log: (await wholeLog(store)).map(({ stream }) => stream),
  head: Number(await store.head()),
  secrets: (await store.readVault(beginning, 100)).length,
  texts: (await store.readTexts?.(beginning, 100))?.length,
});

/** The streams of the events that come, for ever. */
function followed(store: EventStore): string[] {
  const streams: string[] = [];
  (async () => {
    for await (const events of store.follow(beginning, new AbortController().signal))
      streams.push(...events.map(({ stream }) => stream));
  })();
  return streams;
}

async function followedSoon(streams: readonly string[], count: number): Promise<void> {
  for (let turn = 0; turn < 5_000 && streams.length < count; turn++) await delay(1);
}

async function failed(store: EventStore) {
  const streams = followed(store);
  await store.append('client-a', noStream, [newEvent()]);
  writeFileSync(fail, '');
  const error = await nameOf(store.append('client-b', noStream, [newEvent()], [secret('b')]));
  const meanwhile = await told(store);
  rmSync(fail);
  await store.append('client-c', noStream, [newEvent()]);
  await store.append('client-b', noStream, [newEvent()], [secret('c')]);
  await followedSoon(streams, 3);
  return { error, meanwhile, after: await told(store), followed: streams };
}

async function heldUp(store: EventStore) {
  const streams = followed(store);
  await store.append('client-a', noStream, [newEvent()]);
  await followedSoon(streams, 1);
  writeFileSync(hold, '');
  const answered: string[] = [];
  const append = async (stream: string) => {
    await store.append(stream, noStream, [newEvent()], [secret(stream)]);
    answered.push(stream);
  };
  const appends = [append('client-b')];
  // The event loop has its turns meanwhile: else nobody would take the disk's hold away.
  for (let turn = 0; turn < 5_000 && !existsSync(held); turn++) await delay(1);
  appends.push(append('client-c'));
  for (let turn = 0; turn < 50; turn++) await delay(1);
  const meanwhile = {
    ...(await told(store)),
    stream: (await store.read('client-b')).length,
    answered: [...answered],
    followed: [...streams],
  };
  rmSync(hold);
  await Promise.all(appends);
  await followedSoon(streams, 3);
  return { meanwhile, after: await told(store), answered, followed: streams };
}

async function ended(store: EventStore) {
  const streams = followed(store);
  const event = newEvent();
  const error = await nameOf(store.append('client-a', noStream, [event], [secret('a')]));
  const meanwhile = await told(store);
  await followedSoon(streams, meanwhile.log.length);
  const seen = [...streams];
  await store.append('client-a', noStream, [event], [secret('b')]);
  await store.append('client-b', noStream, [newEvent()]);
  await followedSoon(streams, 2);
  return { error, meanwhile, seen, after: await told(store), followed: streams };
}

async function refused() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  const journals = keepJournals(logger);
  const store = openSqliteStore({ file, journals, thread: { logger, loopMsMax: 0 } });
  for (const stream of ['client-a', 'client-b'])
    await store.append(stream, noStream, [newEvent()], [secret(stream)]);
  await store.deleteStream('vault-client-a');
  const after = await told(store);
  await store.close();
  await journals.end();
  return { lines, after };
}

async function faulty(): Promise<unknown> {
  if (what === 'refused') return await refused();
  const store = by === 'thread' ? await openedInThread({ file }) : openSqliteStore({ file });
  const acts = { failed, held: heldUp, ended } as const;
  const outcome = await acts[what as keyof typeof acts](store);
  await store.close();
  return outcome;
}

process.stdout.write(JSON.stringify(await faulty()));
