/** Every event as an auditor reads it, found by client, window, actor, type and time. */
import { z } from 'zod';
import { upcast } from '../domain/upcast.ts';
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
  data: z.object({
    at: Instant,
    by: Actor,
    username: z.string().nullable().optional(),
    windowId: z.string().nullable().optional(),
  }),
});
type AnyEvent = z.infer<typeof AnyEvent>;

type HistoryText = readonly [
  type: string,
  data: Envelope['data'],
  stream: string,
  revision: number,
  eventId: string,
  correlationId: string,
  causationId: string | null,
];

const placeOf = (row: HistoryRow) =>
  [row.stream, row.revision, row.eventId, row.correlationId, row.causationId] as const;

/** `event`: its data as it is read today; the envelope has it as stored. */
function historyRow({ type, data }: AnyEvent, envelope: Envelope): HistoryRow {
  const { index, position, stream, revision, eventId, metadata, dataText } = envelope;
  const { kind, name } = data.by;
  // One literal: put together from several it takes three times as long, for each event of a log.
  const row: { -readonly [Member in keyof HistoryRow]: HistoryRow[Member] } = {
    index,
    position,
    stream,
    revision,
    eventId,
    type,
    at: data.at,
    actor: { kind, name },
    correlationId: metadata.correlationId,
    causationId: metadata.causationId,
    username: data.username ?? null,
    windowId: data.windowId ?? null,
    data: envelope.data,
  };
  if (dataText !== undefined) row.dataText = dataText;
  return row;
}

/** What people wrote, and what things are called, by the key that it stands under. */
const worded = ['reason', 'label', 'name', 'description', 'pairingId', 'broker'];

/** The words of an event that one may look for; null: none. */
function wordsOf({ data }: HistoryRow): string | null {
  const { note } = (data.limits ?? {}) as { readonly note?: unknown };
  let words: string | null = null;
  for (const key of worded) words = withWord(words, data[key]);
  return withWord(words, note);
}

const withWord = (words: string | null, word: unknown): string | null => {
  if (typeof word !== 'string') return words;
  return words === null ? word : `${words}\n${word}`;
};

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
  version: 7,
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
  evolve: (_row, event, envelope) => historyRow(event, envelope),
  written: {
    // What its data says too is not written again.
    short: (row): HistoryText => [row.type, row.data, ...placeOf(row)],
    text: (row) =>
      row.dataText &&
      `[${JSON.stringify(row.type)},${row.dataText},${JSON.stringify(placeOf(row)).slice(1)}`,
    whole(short, position, index) {
      const [type, data, stream, revision, eventId, correlationId, causationId] =
        short as HistoryText;
      const event = upcast({ type, data }) as AnyEvent;
      const metadata = { correlationId, causationId };
      return historyRow(event, {
        ...{ index, position, stream, revision, eventId, type, data, metadata },
      });
    },
  },
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
  unindexed: ['words'],
};
