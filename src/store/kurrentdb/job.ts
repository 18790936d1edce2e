/** A job in KurrentDB: its lease, and its note as the newest event of a stream that stands in no order of ours. */
import { randomUUID } from 'node:crypto';
import { ANY, BACKWARDS, END, jsonEvent } from '@kurrent/kurrentdb-client';
import { z } from 'zod';
import { storeAnswerMs } from '../../limits/store.ts';
import type { LeasedJob } from '../job.ts';
import { connectionTo } from './connection.ts';
import { isStreamMissing, unavailableFrom } from './errors.ts';
import { kurrentLease } from './lease.ts';

const Note = z.object({ text: z.string() });
/** Older ones are nothing to anybody: a scavenge takes them. */
const notesKept = 1;

export function kurrentJob(connectionString: string, name: string): LeasedJob {
  const stream = `gatebook-${name}`;
  const connection = connectionTo(connectionString, storeAnswerMs);
  const lease = kurrentLease(connectionString, name);
  let isBounded = false;
  const asked = async <Answer>(question: Parameters<typeof connection.ask<Answer>>[0]) => {
    try {
      return await connection.ask(question);
    } catch (error) {
      throw unavailableFrom(error);
    }
  };
  return {
    lease,
    async readNote() {
      try {
        const [last] = await connection.collect((client) =>
          client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }),
        );
        return last?.event === undefined ? null : Note.parse(last.event.data).text;
      } catch (error) {
        if (isStreamMissing(error)) return null;
        throw error;
      }
    },
    async writeNote(text) {
      const note = jsonEvent({ id: randomUUID(), type: 'Noted', data: { text } });
      await asked((client) => client.appendToStream(stream, note, { streamState: ANY }));
      if (isBounded) return;
      await asked((client) => client.setStreamMetadata(stream, { maxCount: notesKept }));
      isBounded = true;
    },
    async close() {
      await lease.close();
      await connection.close();
    },
  };
}
