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

  constructor(
    model: Stoppable,
    stored: Pick<StoredEvent, 'eventId' | 'type' | 'stream'>,
    cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.name : 'fault';
    super(
      `the read model ${model.projection.name} stopped at event ${stored.eventId} (${stored.type}) ` +
        `of ${stored.stream}: ${why}`,
    );
    this.model = model;
  }
}

/** What was thrown over an event, as the fault of the model; a fault of the file that its rows are in stays what it is. */
export function attributedFault(
  model: Stoppable,
  event: Pick<StoredEvent, 'eventId' | 'type' | 'stream'>,
  error: unknown,
): unknown {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
    ? error
    : new ProjectionFault(model, event, error);
}
