/** Feeds the log to the projections, in order; rows and checkpoint are written in one transaction. */
import type { DatabaseSync } from 'node:sqlite';
import { upcast } from '../../domain/upcast.ts';
import type { Envelope, Projection } from '../../projections/projection.ts';
import { beginning, categoryOf, type Position, type StoredEvent } from '../store/event-store.ts';
import type { CustomModel, CustomProjection } from './custom-projection.ts';
import { foldedUpTo, furthestBehind, openRowsFile, type RowsFileOptions } from './database.ts';
import { PositionWaiters } from './position-waiters.ts';
import { attributeFault, ProjectionFault, type Stoppable } from './projection-fault.ts';
import { type Rows, RowTable } from './row-table.ts';
import type { Counts } from './row-tally.ts';
import type { VersionedRows } from './row-versions.ts';
import { type ReadModelState, stateOf } from './state-hash.ts';

// biome-ignore lint/suspicious/noExplicitAny: rows and events of all projections stand side by side
type AnyProjection = Projection<any, any, any>;

/** The rows that one batch changed: by projection name, by key; undefined: the row is gone. */
export type Changes = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** How far a projection is, of rows or a custom one. */
interface FoldedModel extends Stoppable {
  readonly projection: { readonly name: string; readonly version: number };
  position: Position;
  /** The number of the next event, counted from the log's first. */
  index: number;
}

interface Model extends FoldedModel {
  readonly projection: AnyProjection;
  readonly table: RowTable<unknown>;
}

interface OpenCustomModel extends FoldedModel {
  readonly view: CustomModel;
}

export interface ReadModels {
  rows<Row, Event>(projection: Projection<Row, Event>): Rows<Row>;
  /** Rows as they were, of a projection that keeps their versions. */
  past<Row, Event, Past>(projection: Projection<Row, Event, Past>): VersionedRows<Past>;
  /** How many rows had each label that the projection always counts, when the log held so many events. */
  countsAt<Row, Event, Past>(projection: Projection<Row, Event, Past>, size: number): Counts;
  /** What a custom projection offers. */
  custom<View>(projection: CustomProjection<View>): View;
  /** How far all read models are. */
  position(): Position;
  /** Where the follower goes on: the position of the read model that is furthest behind. */
  resume(): { readonly position: Position; readonly index: number };
  /** Applies events that follow `resume().position`, all in one transaction. */
  apply(events: readonly StoredEvent[]): void;
  /** True once all read models are at the position; false after `timeoutMs`. */
  reached(position: Position, timeoutMs: number): Promise<boolean>;
  /** Called after each batch is written, in order. */
  onApplied(listener: (events: readonly StoredEvent[], changes: Changes) => void): void;
  /** The projections that stopped, and why. */
  faults(): readonly { readonly name: string; readonly error: Error }[];
  /** Events behind the projection that is furthest, by name: only one that stopped is behind. */
  lag(): Record<string, number>;
  state(): Promise<ReadModelState>;
  /** A small value stored beside the rows, and dropped with them. */
  getBookmark(name: string): string | undefined;
  setBookmark(name: string, value: string): void;
  close(): void;
}

/**
 * Opens the rows of the log `logId`, whose newest event is at `head`. Rows of another log, or of a longer
 * one, are forgotten; so are those of a projection with another version.
 */
export function openReadModels(
  options: RowsFileOptions & {
    readonly projections: readonly AnyProjection[];
    readonly customProjections?: readonly CustomProjection<unknown>[];
  },
): ReadModels {
  const { file, projections, customProjections = [] } = options;
  const database = openRowsFile(options, [...projections, ...customProjections]);
  const models = projections.map((projection): Model => {
    const table = new RowTable(database, projection);
    return { projection, table, ...foldedUpTo(database, projection), fault: undefined };
  });
  const customModels = customProjections.map((custom): OpenCustomModel => {
    const opened = custom.open(database) as CustomModel;
    const place = foldedUpTo(database, custom);
    return { projection: custom, view: opened, ...place, fault: undefined };
  });
  return new OpenReadModels(database, file, models, customModels);
}

class OpenReadModels implements ReadModels {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #models: readonly FoldedModel[];
  readonly #folded: readonly Model[];
  readonly #customModels: readonly OpenCustomModel[];
  readonly #tables: ReadonlyMap<string, RowTable<unknown>>;
  readonly #readers = new Map<string, Model[]>();
  readonly #listeners: ((events: readonly StoredEvent[], changes: Changes) => void)[] = [];
  readonly #reaching = new PositionWaiters();
  readonly #saveCheckpoint: ReturnType<DatabaseSync['prepare']>;

  constructor(
    database: DatabaseSync,
    file: string,
    models: readonly Model[],
    customModels: readonly OpenCustomModel[],
  ) {
    this.#database = database;
    this.#file = file;
    this.#models = [...models, ...customModels];
    this.#folded = models;
    this.#customModels = customModels;
    this.#tables = new Map(models.map(({ projection, table }) => [projection.name, table]));
    for (const model of models)
      for (const category of model.projection.reads)
        this.#readers.set(category, [...(this.#readers.get(category) ?? []), model]);
    this.#saveCheckpoint = database.prepare(
      'INSERT OR REPLACE INTO models (name, version, position, number) VALUES (?, ?, ?, ?)',
    );
  }

  rows<Row, Event>({ name }: Projection<Row, Event>): Rows<Row> {
    const table = this.#tables.get(name);
    if (!table) throw new Error(`no read model ${name}`);
    return table as unknown as Rows<Row>;
  }

  past<Row, Event, Past>({ name }: Projection<Row, Event, Past>): VersionedRows<Past> {
    const past = this.#tables.get(name)?.past;
    if (!past) throw new Error(`the read model ${name} keeps no past`);
    return past as VersionedRows<Past>;
  }

  countsAt<Row, Event, Past>({ name }: Projection<Row, Event, Past>, size: number): Counts {
    const tally = this.#tables.get(name)?.tally;
    if (!tally) throw new Error(`the rows of ${name} are not counted`);
    return tally.at(size);
  }

  custom<View>({ name }: CustomProjection<View>): View {
    const found = this.#customModels.find(({ projection }) => projection.name === name);
    if (!found) throw new Error(`no custom projection ${name}`);
    return found.view as CustomModel & View;
  }

  resume() {
    // A projection that stopped holds nobody up.
    const running = this.#models.filter(({ fault }) => fault === undefined);
    const all = running.length > 0 ? running : this.#models;
    return all.reduce(
      (least, { position, index }) => (position < least.position ? { position, index } : least),
      { position: all[0]?.position ?? beginning, index: all[0]?.index ?? 0 },
    );
  }

  position(): Position {
    return this.resume().position;
  }

  apply(events: readonly StoredEvent[]): void {
    if (events.length === 0) return;
    let changes = this.#transaction(events);
    // One that stops does so alone: the batch is folded again without it.
    while (changes === undefined) changes = this.#transaction(events);
    this.#reaching.reached(this.position());
    for (const listener of this.#listeners) listener(events, changes);
  }

  #transaction(events: readonly StoredEvent[]): Changes | undefined {
    const last = events.at(-1);
    if (!last) return new Map();
    const running = this.#models.filter(({ fault }) => fault === undefined);
    const { index: first } = this.resume();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const [at, stored] of events.entries()) this.#fold(stored, first + at);
      const changes = new Map<string, ReadonlyMap<string, unknown>>();
      for (const { projection, table, fault } of this.#folded)
        if (fault === undefined) changes.set(projection.name, table.flush());
      for (const model of running) {
        if (model.position >= last.position) continue;
        const { name, version } = model.projection;
        this.#saveCheckpoint.run(name, version, last.position, first + events.length);
      }
      this.#database.exec('COMMIT');
      for (const model of running) {
        if (model.position >= last.position) continue;
        model.position = last.position;
        model.index = first + events.length;
      }
      return changes;
    } catch (error) {
      for (const { table } of this.#folded) table.abandon();
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      for (const { view } of this.#customModels) view.abandon();
      if (!(error instanceof ProjectionFault)) throw error;
      error.model.fault = error;
      return undefined;
    }
  }

  #fold(stored: StoredEvent, index: number): void {
    for (const model of this.#customModels)
      if (!model.fault && stored.position > model.position)
        attributeFault(model, stored, () => model.view.take(stored, index));
    const readers = this.#readers.get(categoryOf(stored.stream));
    if (!readers) return;
    const envelope: Envelope = { ...stored, index };
    const parsed = new Map<unknown, unknown>();
    for (const model of readers) {
      if (model.fault || stored.position <= model.position) continue;
      const { projection, table } = model;
      const event = attributeFault(model, stored, () => {
        const known = parsed.get(projection.Event);
        return known === undefined ? projection.Event.parse(upcast(stored)) : known;
      });
      parsed.set(projection.Event, event);
      const key = attributeFault(model, stored, () => projection.key(event, envelope));
      if (key === undefined) continue;
      const before = table.current(key);
      const after = attributeFault(model, stored, () => projection.evolve(before, event, envelope));
      if (after !== before) table.change(key, after, index);
    }
  }

  async reached(position: Position, timeoutMs: number): Promise<boolean> {
    if (this.position() >= position) return true;
    return await this.#reaching.until(position, timeoutMs);
  }

  onApplied(listener: (events: readonly StoredEvent[], changes: Changes) => void): void {
    this.#listeners.push(listener);
  }

  faults() {
    return this.#models.flatMap(({ projection, fault }) =>
      fault ? [{ name: projection.name, error: fault }] : [],
    );
  }

  lag(): Record<string, number> {
    const furthest = Math.max(0, ...this.#models.map(({ index }) => index));
    return Object.fromEntries(
      this.#models.map(({ projection, index }) => [projection.name, furthest - index]),
    );
  }

  state(): Promise<ReadModelState> {
    return stateOf(
      this.#file,
      this.#models.map(({ projection }) => projection),
      furthestBehind,
    );
  }

  getBookmark(name: string): string | undefined {
    const found = this.#database.prepare('SELECT value FROM notes WHERE name = ?').get(name) as
      | { value: string }
      | undefined;
    return found?.value;
  }

  setBookmark(name: string, value: string): void {
    this.#database
      .prepare('INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)')
      .run(name, value);
  }

  close(): void {
    this.#reaching.end();
    this.#database.close();
  }
}
