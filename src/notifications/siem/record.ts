/** What a SIEM gets of an event: its leaf as the log has it, personal fields sealed, with its place in the proof. */
import { leafText } from '../../audit/transparency-log/leaf.ts';
import { leafHashOfText } from '../../audit/transparency-log/merkle.ts';
import type { StoredEvent } from '../../store/event-store.ts';

export interface SiemRecord {
  /** From 0: line `index + 1` of an export. */
  readonly index: number;
  readonly position: string;
  /** Of the leaf as RFC 6962 (section 2.1) hashes it, in hex: SHA-256 over a zero byte and the leaf. */
  readonly hash: string;
  readonly type: string;
  /** ISO; null: the event says no time. */
  readonly at: string | null;
  readonly leaf: string;
}

export function siemRecord(event: StoredEvent, index: number): SiemRecord {
  const leaf = leafText(event);
  const { at } = event.data;
  return {
    ...{ index, leaf, position: event.position, type: event.type },
    hash: leafHashOfText(leaf).toString('hex'),
    at: typeof at === 'string' ? at : null,
  };
}

/** How records reach a receiver. */
export interface SiemSink {
  /** Resolves when the receiver has them all; the signal ends it. @throws NotDelivered */
  send(records: readonly SiemRecord[], signal: AbortSignal): Promise<void>;
  close(): void;
}

/** What a sink says that was ended by its signal. */
export const notInTime = 'no answer in time';

/** Whether the receiver has them is not known: they are sent again. Its message names no address. */
export class NotDelivered extends Error {
  override name = 'NotDelivered';
}
