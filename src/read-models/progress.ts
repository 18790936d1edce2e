/** How far each read model is, here and on disk: only one that stopped is behind the others. */
import type { DatabaseSync } from 'node:sqlite';
import { beginning, type Position } from '../store/event-store.ts';
import { foldedUpTo } from './database.ts';
import type { Stoppable } from './projection-fault.ts';

export interface Place {
  readonly position: Position;
  /** The number of the next event, counted from the log's first. */
  readonly index: number;
}

/** A projection, of rows or a custom one, and where it is. */
export interface FoldedModel extends Stoppable {
  readonly projection: { readonly name: string; readonly version: number };
  position: Position;
  index: number;
  committed: Place;
}

/** A model where the file says that it is. */
export function openedModel<Projected extends FoldedModel['projection']>(
  database: DatabaseSync,
  projection: Projected,
) {
  const committed = foldedUpTo(database, projection);
  return { projection, ...committed, committed, fault: undefined };
}

export class Progress {
  readonly #models: readonly FoldedModel[];
  readonly #save: ReturnType<DatabaseSync['prepare']>;

  constructor(database: DatabaseSync, models: readonly FoldedModel[]) {
    this.#models = models;
    this.#save = database.prepare(
      'INSERT OR REPLACE INTO models (name, version, position, number) VALUES (?, ?, ?, ?)',
    );
  }

  /** Where the one is that is furthest behind. One that stopped holds nobody up. */
  place(): Place {
    let least: FoldedModel | undefined;
    // Every request asks several times: nothing is made on the way.
    for (const model of this.#models) {
      const isRunning = model.fault === undefined;
      if (least === undefined || (isRunning && least.fault !== undefined)) least = model;
      else if (isRunning === (least.fault === undefined) && model.position < least.position)
        least = model;
    }
    return { position: least?.position ?? beginning, index: least?.index ?? 0 };
  }

  /** Those that run are here now, or further already. */
  advance({ position, index }: Place): void {
    for (const model of this.#models)
      if (model.fault === undefined && model.position < position)
        Object.assign(model, { position, index });
  }

  /** Writes it, inside the caller's transaction. */
  save(): void {
    for (const { projection, position, index } of this.#models)
      this.#save.run(projection.name, projection.version, position, index);
  }

  committed(): void {
    for (const model of this.#models)
      model.committed = { position: model.position, index: model.index };
  }

  /** Back to what is on disk. */
  undo(): void {
    for (const model of this.#models) Object.assign(model, model.committed);
  }

  lag(): Record<string, number> {
    const furthest = Math.max(0, ...this.#models.map(({ index }) => index));
    return Object.fromEntries(
      this.#models.map(({ projection, index }) => [projection.name, furthest - index]),
    );
  }
}
