/** Why clients are not active at a broker: the newest of these reasons. */
import { activationNotesMax } from '../../limits.ts';
import type { ActivationObstacle } from '../ports/activation.ts';
import { BrokerRefused } from '../ports/broker.ts';

export class ActivationObstacles {
  readonly #byUsername = new Map<string, ActivationObstacle>();

  get(username: string): ActivationObstacle | undefined {
    return this.#byUsername.get(username);
  }

  /** A client was reconciled. `detail`: why it is not active yet; null: nothing is in its way. */
  reconciled(username: string, detail: string | null): void {
    this.#byUsername.delete(username);
    if (detail !== null) this.#set(username, { status: 'waiting', detail });
  }

  /** It will not be tried again as things are. */
  failed(username: string, fault: unknown): void {
    const detail =
      fault instanceof BrokerRefused
        ? fault.message
        : "A fault of the registry itself: the service's log says more.";
    this.#byUsername.delete(username);
    this.#set(username, { status: 'failed', detail });
  }

  #set(username: string, obstacle: ActivationObstacle): void {
    this.#byUsername.set(username, obstacle);
    if (this.#byUsername.size <= activationNotesMax) return;
    for (const oldest of this.#byUsername.keys()) {
      this.#byUsername.delete(oldest);
      return;
    }
  }
}
