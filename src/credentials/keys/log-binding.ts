/** Ties a log to its key folder: the log knows the public id of the pepper it was begun with (SPEC 5). */

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Instant } from '../../../domain/values.ts';
import { currentInstant } from '../../platform/instant.ts';
import { Conflict, type EventStore, noStream } from '../../store/event-store.ts';

/** This node's keys are not those that the log was begun with. */
export class KeysDiffer extends Error {
  override name = 'KeysDiffer';
  constructor(recorded: string, here: string) {
    super(
      `this log was begun with other keys (pepper ${recorded}, here ${here}): ` +
        'point GATEBOOK_KEYS_DIR to the key folder that belongs to this log, or restore that folder ' +
        'from a backup; with these keys no stored password would be right',
    );
  }
}

/** In the vault, apart from the audited order; no sweep touches it, because its name is no id. */
const keysStream = 'vault-keys';

const KeysRecorded = z.object({
  type: z.literal('KeysRecorded'),
  data: z.object({ at: Instant, pepperId: z.string() }),
});

/**
 * Records the public ids of this node's keys in a new log, or compares them with those of the log.
 * @throws KeysDiffer when the log was begun with others.
 */
export async function recordKeys(
  store: EventStore,
  { pepperId }: { readonly pepperId: string },
  now: () => Instant = currentInstant,
): Promise<void> {
  const recorded = (await recordedPepperId(store)) ?? (await record(store, pepperId, now()));
  if (recorded !== pepperId) throw new KeysDiffer(recorded, pepperId);
}

/** Of the keys that a log was begun with; undefined: it has none yet. */
export async function recordedPepperId(store: EventStore): Promise<string | undefined> {
  const [event] = await store.read(keysStream);
  if (event === undefined) return undefined;
  return KeysRecorded.parse({ type: event.type, data: event.data }).data.pepperId;
}

/** The pepper's id that is in the log afterwards: this one, or that of a node that came first. */
async function record(store: EventStore, pepperId: string, at: Instant): Promise<string> {
  const metadata = { correlationId: randomUUID(), causationId: null };
  const data = { at, pepperId };
  try {
    await store.append(keysStream, noStream, [
      { eventId: randomUUID(), type: 'KeysRecorded', data, metadata },
    ]);
    return pepperId;
  } catch (error) {
    const first = error instanceof Conflict ? await recordedPepperId(store) : undefined;
    if (first === undefined) throw error;
    return first;
  }
}
