/** What Gatebook needs from an event store, and nothing more: the port, its errors and its values. */

import type { EventText } from './event-text.ts';

export { StoreUnavailable } from './errors.ts';

/**
 * Where an event stands in the log. Opaque outside the adapters, but all of one log's positions have
 * the same length, so that they sort as text.
 */
export type Position = string;

/** Before the first event of any log: positions are 20 decimal digits. */
export const beginning: Position = '0'.repeat(20);

/** Writes a number as a position. */
export const positionOf = (place: number | bigint): Position => String(place).padStart(20, '0');

/** The expected revision of a stream that must not exist yet; the first event has revision 0. */
export const noStream = -1;

/** Streams of this category hold secrets: apart from the global order, and deletable. */
export const vaultCategory = 'vault';
export const isVaultStream = (stream: string): boolean => stream.startsWith(`${vaultCategory}-`);

export interface Metadata {
  readonly correlationId: string;
  readonly causationId: string | null;
}

export interface NewEvent {
  readonly eventId: string;
  readonly type: string;
  /** JSON: an object that `JSON.stringify` and `JSON.parse` give back unchanged. */
  readonly data: Record<string, unknown>;
  readonly metadata: Metadata;
}

export interface StoredEvent extends NewEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
}

/** Something that happened to a vault stream, in the order of the vault. */
export type VaultChange = { readonly position: Position; readonly stream: string } & (
  | { readonly kind: 'kept'; readonly event: StoredEvent }
  | { readonly kind: 'deleted' }
);

/** A new stream of the vault with its one event, kept for events that name it. */
export interface NewSecret {
  readonly stream: string;
  readonly event: NewEvent;
}

export interface Appended {
  /** The stream's new last revision. */
  readonly revision: number;
  /** The position of the last event written. */
  readonly position: Position;
}

/** One of the disks that a store keeps its log on. */
export interface Disk {
  /** Such as `host:port`. */
  readonly name: string;
  /** At most `limit` events of the vault after a position, in their order, also of streams that are deleted. */
  vaultLeft(after: Position, limit: number): Promise<readonly StoredEvent[]>;
  /** Whether there is an event at a position. */
  has(position: Position): Promise<boolean>;
}

export interface EventStore {
  /** The log's identity: made once with the log, the same for every node and after every restart. */
  readonly logId: string;
  /**
   * Appends all events or none, only if the stream's last revision is `expectedRevision` (`noStream`
   * when there is none). Resolves when the events are on disk. Repeating an append with the same event
   * ids and the same expected revision is a success that writes nothing.
   * @param secrets are on disk no later than the events that name them. An embedded log keeps all or nothing,
   *   in one commit; elsewhere they come first, and stay where the events do not follow.
   * @throws Conflict when the stream is elsewhere; StoreUnavailable when it cannot be written now.
   */
  append(
    stream: string,
    expectedRevision: number,
    events: readonly NewEvent[],
    secrets?: readonly NewSecret[],
  ): Promise<Appended>;
  /** Every event of a stream, oldest first; none for a stream that was never written or is deleted. */
  read(stream: string): Promise<readonly StoredEvent[]>;
  /** At most `limit` events after a position, in the log's order, without the vault. */
  readAll(after: Position, limit: number): Promise<readonly StoredEvent[]>;
  /** The same as text, each event as the log has it; absent where that is no faster. */
  readonly readTexts?: (after: Position, limit: number) => Promise<readonly EventText[]>;
  /** The position of the newest event outside the vault, `beginning` when there is none. */
  head(): Promise<Position>;
  /**
   * Every event after a position, in order, in batches of at least one, without the vault; waits for
   * more until the signal aborts (then it ends without an error). Never misses, never repeats.
   */
  follow(after: Position, signal: AbortSignal): AsyncIterable<readonly StoredEvent[]>;
  /** Deletes a vault stream beyond recovery. Deleting what is not there is a success. */
  deleteStream(stream: string): Promise<void>;
  /**
   * At most `limit` changes of the vault after a position, in its order; none at its end. A deleted
   * stream's `kept` changes are gone from here too.
   */
  readVault(after: Position, limit: number): Promise<readonly VaultChange[]>;
  /** The vault's own order: kept and deleted streams; a deleted one's content never appears again. */
  followVault(after: Position, signal: AbortSignal): AsyncIterable<readonly VaultChange[]>;
  /**
   * The disks that have what was deleted until their operator cleans them; absent where nothing is left of a
   * stream once `deleteStream` resolved. What they do throws StoreUnavailable where one does not answer.
   */
  readonly disks?: () => Promise<readonly Disk[]>;
  /** Ends every `follow`, finishes what was begun, and lets go of the log. */
  close(): Promise<void>;
}

/** Someone else wrote to the stream first: read it again and decide again. */
export class Conflict extends Error {
  override name = 'Conflict';
}

/** The category of a stream: what stands before the first dash. */
export const categoryOf = (stream: string): string => stream.slice(0, stream.indexOf('-'));
