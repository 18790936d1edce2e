/** Why clients are not active at a broker: the newest of these reasons. */
import { activationNotesMax } from '../../limits/brokers.ts';
import { BoundedMap } from '../../platform/bounded-map.ts';
import type { ActivationObstacle } from '../ports/activation.ts';
import { BrokerRefused } from '../ports/broker.ts';

export class ActivationObstacles {
  readonly #byUsername = new BoundedMap<string, ActivationObstacle>(activationNotesMax);

  get(username: string): ActivationObstacle | undefined {
    return this.#byUsername.get(username);
  }

  /** A client was reconciled. `detail`: why it is not active yet; null: nothing is in its way. */
  reconciled(username: string, detail: string | null): void {
    if (detail === null) this.#byUsername.delete(username);
    else this.#byUsername.set(username, { status: 'waiting', detail });
  }

  /** It will not be tried again as things are. */
  failed(username: string, fault: unknown): void {
    const detail =
      fault instanceof BrokerRefused
        ? fault.message
        : "A fault of the registry itself: the service's log says more.";
    this.#byUsername.set(username, { status: 'failed', detail });
  }
}
