/** The fault of a projection that cannot take an event: it alone stops there, and says why. */
import type { StoredEvent } from '../store/event-store.ts';

/** What stops when it cannot take an event. */
export interface Stoppable {
  readonly projection: { readonly name: string };
  /** Why it stopped: an event of its own that does not parse, or a fold that threw. */
  fault: Error | undefined;
}

/** The log and the code do not fit. Names no data. */
export class ProjectionFault extends Error {
  override name = 'ProjectionFault';
  readonly model: Stoppable;

  constructor(model: Stoppable, stored: StoredEvent, cause: unknown) {
    const why = cause instanceof Error ? cause.name : 'fault';
    super(
      `the read model ${model.projection.name} stopped at event ${stored.eventId} (${stored.type}) ` +
        `of ${stored.stream}: ${why}`,
    );
    this.model = model;
  }
}

/**
 * Attributes what is thrown over an event to the model, but for faults of the file its rows are in.
 * @throws ProjectionFault
 */
export function attributeFault<T>(model: Stoppable, stored: StoredEvent, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR') throw error;
    throw new ProjectionFault(model, stored, error);
  }
}
