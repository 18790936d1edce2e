/** Why clients are not active at a broker, for who asks: the newest of them. */
import { activationNotesMax } from '../../limits.ts';
import type { ActivationObstacle } from '../ports/activation.ts';
import { BrokerRefused } from '../ports/broker.ts';

export class ActivationObstacles {
  readonly #notes = new Map<string, ActivationObstacle>();

  get(username: string): ActivationObstacle | undefined {
    return this.#notes.get(username);
  }

  /** What came of bringing a client about; `detail`: why it still waits, null: it does not. */
  brought(username: string, detail: string | null): void {
    this.#notes.delete(username);
    if (detail !== null) this.#keep(username, { status: 'waiting', detail });
  }

  /** It will not be tried again as things are. */
  failed(username: string, fault: unknown): void {
    const detail =
      fault instanceof BrokerRefused
        ? fault.message
        : "A fault of the registry itself: the service's log says more.";
    this.#notes.delete(username);
    this.#keep(username, { status: 'failed', detail });
  }

  #keep(username: string, note: ActivationObstacle): void {
    this.#notes.set(username, note);
    if (this.#notes.size <= activationNotesMax) return;
    for (const oldest of this.#notes.keys()) {
      this.#notes.delete(oldest);
      return;
    }
  }
}
