/** Events as the text that they are in the log: what of them nobody looks at is not parsed. */
import type { EventStore, Metadata, Position, StoredEvent } from './event-store.ts';

/** `data` and `metadata` as JSON; `place`: where it stands in the log, as whoever gives it says so. */
export type EventText<Place = Position> = readonly [
  place: Place,
  eventId: string,
  stream: string,
  revision: number,
  type: string,
  data: string,
  metadata: string,
];

/** An event of the log, and its number in the log's order from 0; metadata are parsed where somebody looks at them. */
export class EventFromText implements StoredEvent {
  readonly index: number;
  readonly position: Position;
  readonly eventId: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly data: Record<string, unknown>;
  readonly dataText: string;
  readonly metadataText: string;
  /** The hash of its leaf in the Merkle tree, where a thread took it that had time; undefined: it is to be taken. */
  readonly leafHash: Buffer | undefined;
  #metadata: Metadata | undefined;

  /** @throws SyntaxError where the log holds no JSON */
  constructor(
    [position, eventId, stream, revision, type, dataText, metadataText]: EventText,
    index: number,
    leafHash?: Buffer,
  ) {
    this.index = index;
    this.position = position;
    this.eventId = eventId;
    this.stream = stream;
    this.revision = revision;
    this.type = type;
    this.data = JSON.parse(dataText);
    this.dataText = dataText;
    this.metadataText = metadataText;
    this.leafHash = leafHash;
  }

  get metadata(): Metadata {
    this.#metadata ??= JSON.parse(this.metadataText) as Metadata;
    return this.#metadata;
  }
}

const textOf = (event: StoredEvent): EventText => [
  ...([event.position, event.eventId, event.stream, event.revision, event.type] as const),
  ...([JSON.stringify(event.data), JSON.stringify(event.metadata)] as const),
];

/** At most `limit` events after a position, as text also where the store has none. */
export async function readTexts(
  store: Pick<EventStore, 'readAll' | 'readTexts'>,
  after: Position,
  limit: number,
): Promise<readonly EventText[]> {
  if (store.readTexts !== undefined) return await store.readTexts(after, limit);
  return (await store.readAll(after, limit)).map(textOf);
}
