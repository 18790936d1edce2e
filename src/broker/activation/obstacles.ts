/** Why clients are not active at a broker, for who asks: the newest of them. */

import { activationNotesMax } from '../../limits.ts';
import { BoundedMap } from '../../platform/bounded-map.ts';
import { type ActivationObstacle, BrokerRefused } from '../ports/broker.ts';

export class ActivationObstacles {
  readonly #notes = new BoundedMap<string, ActivationObstacle>(activationNotesMax);

  get(username: string): ActivationObstacle | undefined {
    return this.#notes.get(username);
  }

  /** What came of bringing a client about; `detail`: why it still waits, null: it does not. */
  brought(username: string, detail: string | null): void {
    if (detail === null) this.#notes.delete(username);
    else this.#notes.set(username, { status: 'waiting', detail });
  }

  /** It will not be tried again as things are. */
  failed(username: string, fault: unknown): void {
    const detail =
      fault instanceof BrokerRefused
        ? fault.message
        : "A fault of the registry itself: the service's log says more.";
    this.#notes.set(username, { status: 'failed', detail });
  }
}
