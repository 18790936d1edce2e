/** Every event as an auditor reads it, found by client, window, actor, type and time. */
import { z } from 'zod';
import { Actor, Instant } from '../domain/values.ts';
import type { Envelope, Projection } from './projection.ts';

/** `data` as stored: personal fields are sealed. */
export interface HistoryRow extends Omit<Envelope, 'metadata'> {
  readonly at: string;
  readonly actor: Actor;
  readonly correlationId: string;
  readonly causationId: string | null;
  readonly username: string | null;
  readonly windowId: string | null;
}

/** What every event carries, whatever else it says. */
const AnyEvent = z.object({
  type: z.string(),
  data: z.looseObject({
    at: Instant,
    by: Actor,
    username: z.string().nullable().optional(),
    windowId: z.string().nullable().optional(),
  }),
});
type AnyEvent = z.infer<typeof AnyEvent>;

/** What people wrote, and what things are called, by the key that it stands under. */
const worded = ['reason', 'label', 'name', 'description', 'pairingId', 'broker'];

/** The words of an event that one may look for; null: none. */
function wordsOf({ data }: HistoryRow): string | null {
  const { note } = (data.limits ?? {}) as { readonly note?: unknown };
  const words = [...worded.map((key) => data[key]), note].filter(
    (word) => typeof word === 'string',
  );
  return words.length === 0 ? null : words.join('\n');
}

/** What activity is counted by. */
export type ActivityKind = 'requested' | 'granted' | 'denied' | 'revoked' | 'lock';

function activityKindOf(type: string): ActivityKind | null {
  switch (type) {
    case 'RegistrationRequested':
    case 'ReplacementRequested':
      return 'requested';
    case 'RegistrationGranted':
    case 'ReplacementGranted':
      return 'granted';
    case 'RegistrationDenied':
    case 'ReplacementDenied':
      return 'denied';
    case 'AccessRevoked':
      return 'revoked';
    case 'RegistryUnlocked':
    case 'RegistryLocked':
      return 'lock';
    default:
      return null;
  }
}

/** The column `activity` of an event of this kind and moment: sorted, it is one kind after the other by time. */
export const activityAt = (kind: ActivityKind, at: string): string => `${kind} ${at}`;

export const history: Projection<HistoryRow, AnyEvent> = {
  name: 'history',
  version: 6,
  reads: [
    'registry',
    'schedule',
    'client',
    'role',
    'token',
    'person',
    'preauthorization',
    'proposal',
    'policy',
    'activation',
    'administrators',
    'revocations',
    'backup',
  ],
  Event: AnyEvent,
  isWrittenOnce: true,
  key: (_event, { position }) => position,
  evolve: (_row, { type, data }, envelope) => ({
    index: envelope.index,
    position: envelope.position,
    stream: envelope.stream,
    revision: envelope.revision,
    eventId: envelope.eventId,
    type,
    at: data.at,
    actor: data.by,
    correlationId: envelope.metadata.correlationId,
    causationId: envelope.metadata.causationId,
    username: data.username ?? null,
    windowId: data.windowId ?? null,
    data: envelope.data,
  }),
  columns: {
    username: (row) => row.username,
    windowId: (row) => row.windowId,
    actor: (row) => row.actor.name,
    type: (row) => row.type,
    at: (row) => row.at,
    words: wordsOf,
    activity: (row) => {
      const kind = activityKindOf(row.type);
      return kind && activityAt(kind, row.at);
    },
  },
};
