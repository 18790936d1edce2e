/** Feeds the log to the projections, in order; rows and checkpoint are committed together. */
import type { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { upcast } from '../../domain/upcast.ts';
import type { Envelope, Projection } from '../../projections/projection.ts';
import type { Journal } from '../platform/sqlite/journals.ts';
import { parserOf } from '../store/event-parser.ts';
import { beginning, categoryOf, type Position, type StoredEvent } from '../store/event-store.ts';
import { EventFromText } from '../store/event-text.ts';
import type { CustomModel, CustomProjection } from './custom-projection.ts';
import { furthestBehind, openRowsFile, type RowsFileOptions } from './database.ts';
import { PositionWaiters } from './position-waiters.ts';
import { type FoldedModel, openedModel, type Place, Progress } from './progress.ts';
import { attributedFault, ProjectionFault } from './projection-fault.ts';
import { type Rows, RowTable } from './row-table.ts';
import type { Counts } from './row-tally.ts';
import { RowTransaction } from './row-transaction.ts';
import type { VersionedRows } from './row-versions.ts';
import { type HasherBeside, type ReadModelState, stateOf, type WrittenHash } from './state-hash.ts';

// biome-ignore lint/suspicious/noExplicitAny: rows and events of all projections stand side by side
export type AnyProjection = Projection<any, any, any>;

/** The rows that one batch changed: by projection name, by key; undefined: the row is gone. */
export type Changes = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

interface Model extends FoldedModel {
  readonly projection: AnyProjection;
  readonly table: RowTable<unknown>;
}

interface OpenCustomModel extends FoldedModel {
  readonly view: CustomModel;
}

/** A model that reads a category of streams, and what parses the events of it there. */
interface CategoryReader {
  readonly model: Model;
  readonly parse: (event: unknown) => unknown;
}

/** An event as the newest of its readers parsed it: the next one mostly parses it alike. */
interface ParsedEvent {
  parse: CategoryReader['parse'] | undefined;
  event: unknown;
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
  resume(): Place;
  /**
   * Applies events that follow `resume().position`, all or none: readable at once, on disk some time later, or
   * never, and then `resume` says so.
   */
  apply(events: readonly StoredEvent[]): void;
  /** True once all read models are at the position; false after `timeoutMs`. */
  reached(position: Position, timeoutMs: number): Promise<boolean>;
  /**
   * Called after each batch is readable, in order; with no event twice. What is folded again after it was undone
   * is told as changes without events, since who looked meanwhile saw the rows of before.
   */
  onApplied(listener: (events: readonly StoredEvent[], changes: Changes) => void): void;
  /** Called when applied events could not be written and are gone from the rows: follow from `resume` again. */
  onUndone(listener: (error: unknown) => void): void;
  /** Whether events that somebody was told of are gone from the rows: until they are folded again nobody may be judged by them. */
  isUndone(): boolean;
  /** What there is, by name and version. */
  models(): readonly { readonly name: string; readonly version: number }[];
  /** The projections that stopped, and why. */
  faults(): readonly { readonly name: string; readonly error: Error }[];
  /** Events behind the projection that is furthest, by name: only one that stopped is behind. */
  lag(): Record<string, number>;
  /** @param beside hashes some of the rows meanwhile, where nobody writes any */
  state(beside?: HasherBeside): Promise<ReadModelState>;
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
    /** Other than the limit says; 0: rows are on disk when they are readable; Infinity: when it is closed. */
    readonly commitAfterMs?: number;
    /** Of a new file: what hashes the rows of these while they are written, by name; each is written once. */
    readonly written?: ReadonlyMap<string, WrittenHash>;
  },
): ReadModels {
  const { projections, customProjections = [], written } = options;
  const database = openRowsFile(options, [...projections, ...customProjections]);
  const models = projections.map((projection): Model => {
    const hash = written?.get(projection.name);
    const table = new RowTable(database, projection, options.isDraft !== true, hash);
    return { table, ...openedModel(database, projection) };
  });
  const customModels = customProjections.map((custom): OpenCustomModel => {
    const view = custom.open(database, written?.get(custom.name)) as CustomModel;
    return { view, ...openedModel(database, custom) };
  });
  return new OpenReadModels(database, options, models, customModels);
}

/** @throws ProjectionFault; what SQLite says of the file */
function foldInto({ model, parse }: CategoryReader, envelope: Envelope, parsed: ParsedEvent): void {
  const { projection, table } = model;
  let key: string | undefined;
  try {
    if (parsed.parse !== parse) {
      parsed.event = parse(upcast(envelope));
      parsed.parse = parse;
    }
    key = projection.key(parsed.event, envelope);
  } catch (error) {
    throw attributedFault(model, envelope, error);
  }
  if (key === undefined) return;
  const before = table.current(key);
  let after: unknown;
  try {
    after = projection.evolve(before, parsed.event, envelope);
  } catch (error) {
    throw attributedFault(model, envelope, error);
  }
  if (after !== before) table.change(key, after, envelope.index);
}

const noFaults: ReturnType<ReadModels['faults']> = [];

class OpenReadModels implements ReadModels {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #journal: Journal | undefined;
  readonly #transaction: RowTransaction;
  readonly #models: readonly FoldedModel[];
  readonly #folded: readonly Model[];
  readonly #customModels: readonly OpenCustomModel[];
  readonly #tables: ReadonlyMap<string, RowTable<unknown>>;
  readonly #readers = new Map<string, CategoryReader[]>();
  readonly #listeners: ((events: readonly StoredEvent[], changes: Changes) => void)[] = [];
  readonly #undoneListeners: ((error: unknown) => void)[] = [];
  readonly #reaching = new PositionWaiters();
  /** The newest event that listeners were told of. */
  #told: Position = beginning;
  #isUndone = false;
  readonly #progress: Progress;
  readonly #saveNote: ReturnType<DatabaseSync['prepare']>;

  constructor(
    database: DatabaseSync,
    { file, commitAfterMs, journals }: Parameters<typeof openReadModels>[0],
    models: readonly Model[],
    customModels: readonly OpenCustomModel[],
  ) {
    this.#database = database;
    this.#file = file;
    this.#journal = journals?.keep(database, pathToFileURL(file));
    this.#models = [...models, ...customModels];
    this.#folded = models;
    this.#customModels = customModels;
    this.#tables = new Map(models.map(({ projection, table }) => [projection.name, table]));
    for (const model of models)
      for (const category of model.projection.reads) {
        const { eventsOf, Event } = model.projection;
        const reader = { model, parse: parserOf(eventsOf?.[category] ?? Event) };
        this.#readers.set(category, [...(this.#readers.get(category) ?? []), reader]);
      }
    this.#progress = new Progress(database, this.#models);
    this.#saveNote = database.prepare('INSERT OR REPLACE INTO notes (name, value) VALUES (?, ?)');
    this.#transaction = new RowTransaction({
      database,
      afterMs: commitAfterMs,
      beforeCommit: () => this.#progress.save(),
      committed: () => {
        this.#progress.committed();
        this.#journal?.committed();
      },
      undone: (error) => this.#undo(error),
    });
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

  resume(): Place {
    return this.#progress.place();
  }

  position(): Position {
    return this.resume().position;
  }

  apply(events: readonly StoredEvent[]): void {
    if (events.length === 0) return;
    let changes = this.#applyAll(events);
    // One that stops does so alone: the batch is folded again without it.
    while (changes === undefined) changes = this.#applyAll(events);
    this.#reaching.reached(this.position());
    const news = events.filter(({ position }) => position > this.#told);
    this.#told = news.at(-1)?.position ?? this.#told;
    if (this.#isUndone) this.#isUndone = this.position() < this.#told;
    for (const listener of this.#listeners) listener(news, changes);
  }

  #applyAll(events: readonly StoredEvent[]): Changes | undefined {
    const { index: first } = this.resume();
    try {
      const changes = this.#transaction.batch(
        () => this.#flush(),
        () => {
          for (const [at, stored] of events.entries()) this.#fold(stored, first + at);
        },
      );
      const { position } = events.at(-1) ?? { position: beginning };
      this.#progress.advance({ position, index: first + events.length });
      this.#transaction.waits(events.length);
      return changes;
    } catch (error) {
      for (const { table } of this.#folded) table.abandon();
      for (const { view } of this.#customModels) view.abandon();
      if (!(error instanceof ProjectionFault)) throw error;
      error.model.fault = error;
      return undefined;
    }
  }

  #flush(): Changes {
    for (const { view, fault } of this.#customModels) if (fault === undefined) view.flush();
    const changed = new Map<string, ReadonlyMap<string, unknown>>();
    for (const { projection, table, fault } of this.#folded)
      if (fault === undefined) changed.set(projection.name, table.flush());
    return changed;
  }

  /** Everything since the newest commit is gone from the file. */
  #undo(error: unknown): void {
    this.#progress.undo();
    for (const { table } of this.#folded) table.abandon();
    for (const { view } of this.#customModels) view.abandon();
    this.#isUndone = this.position() < this.#told;
    for (const listener of this.#undoneListeners) listener(error);
  }

  #fold(stored: StoredEvent, index: number): void {
    for (const model of this.#customModels)
      if (!model.fault && stored.position > model.position)
        try {
          model.view.take(stored, index);
        } catch (error) {
          throw attributedFault(model, stored, error);
        }
    const readers = this.#readers.get(categoryOf(stored.stream));
    if (readers === undefined) return;
    const envelope: Envelope = stored instanceof EventFromText ? stored : { ...stored, index };
    const parsed: ParsedEvent = { parse: undefined, event: undefined };
    for (const reader of readers)
      if (!reader.model.fault && stored.position > reader.model.position)
        foldInto(reader, envelope, parsed);
  }

  reached(position: Position, timeoutMs: number): Promise<boolean> {
    if (this.position() >= position) return Promise.resolve(true);
    return this.#reaching.until(position, timeoutMs);
  }

  onApplied(listener: (events: readonly StoredEvent[], changes: Changes) => void): void {
    this.#listeners.push(listener);
  }

  isUndone(): boolean {
    return this.#isUndone;
  }

  onUndone(listener: (error: unknown) => void): void {
    this.#undoneListeners.push(listener);
  }

  models() {
    return this.#models.map(({ projection: { name, version } }) => ({ name, version }));
  }

  faults() {
    // The doors ask at each attempt.
    if (this.#models.every(({ fault }) => fault === undefined)) return noFaults;
    return this.#models.flatMap(({ projection, fault }) =>
      fault ? [{ name: projection.name, error: fault }] : [],
    );
  }

  lag(): Record<string, number> {
    return this.#progress.lag();
  }

  async state(beside?: HasherBeside): Promise<ReadModelState> {
    // It is read beside this connection.
    this.#transaction.commit();
    return await stateOf(
      this.#file,
      this.#models.map(({ projection }) => projection),
      furthestBehind,
      beside,
    );
  }

  getBookmark(name: string): string | undefined {
    const found = this.#database.prepare('SELECT value FROM notes WHERE name = ?').get(name) as
      | { value: string }
      | undefined;
    return found?.value;
  }

  setBookmark(name: string, value: string): void {
    this.#transaction.batch(() => this.#saveNote.run(name, value));
    this.#transaction.waits(0);
  }

  close(): void {
    this.#reaching.end();
    try {
      this.#transaction.commit();
    } catch {
      // What could not be written is folded again when the file is opened.
    }
    this.#journal?.close();
    this.#database.close();
  }
}
