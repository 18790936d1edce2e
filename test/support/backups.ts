/** Backups of small logs in memory, for tests of the file's format. */
import { randomUUID } from 'node:crypto';
import { type BackupSource, backupOf } from '../../src/backup/write.ts';
import { type EventStore, noStream } from '../../src/store/event-store.ts';
import { memoryStore } from './event-store/memory-store.ts';
import { newEvent } from './stored-events.ts';

export const takenAt = '2026-11-28T10:00:00.000Z';

export const bytesOf = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};

export async function* chunksOf(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const sourceOf = (store: EventStore, over: Partial<BackupSource> = {}): BackupSource => ({
  store,
  keyFiles: async () => [{ name: 'pepper.key', text: 'salt\n' }],
  checkpointLines: async function* () {
    yield* ['gatebook/1', '0', ''];
  },
  ending: async ({ position, events }) => ({
    checkpoint: null,
    readModels: { position, events, models: [{ name: 'window', version: 1 }] },
    endedAt: takenAt,
  }),
  backupId: randomUUID(),
  header: { takenAt, gatebook: '0.1.0', encryption: null },
  ...over,
});

/** A log of so many events, each with a secret of its own; every fifth secret is deleted. */
export async function smallLog(events: number): Promise<EventStore> {
  const store = memoryStore();
  for (let number = 0; number < events; number++) {
    const secret = `vault-${randomUUID()}`;
    await store.append(secret, noStream, [newEvent({ verifier: `secret ${number}` })]);
    await store.append('client-press', number - 1, [newEvent({ secret, number })]);
    if (number % 5 === 0) await store.deleteStream(secret);
  }
  return store;
}

export const backupBytes = async (store: EventStore, over: Partial<BackupSource> = {}) =>
  bytesOf(backupOf(sourceOf(store, over)));
