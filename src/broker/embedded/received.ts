/**
 * The ids of received QoS 2 messages, all that is needed to recognise a repetition [MQTT-4.3.3-10]: so many for
 * a session, because a client may keep back every PUBREL.
 */

export class Received {
  readonly #max: number;
  readonly #ids = new Map<string, Set<number>>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** False: the session has too many that it did not release. */
  add(clientId: string, messageId = 0): boolean {
    const ids = this.#ids.get(clientId) ?? new Set();
    if (ids.size >= this.#max && !ids.has(messageId)) return false;
    this.#ids.set(clientId, ids.add(messageId));
    return true;
  }

  has(clientId: string, messageId = 0): boolean {
    return this.#ids.get(clientId)?.has(messageId) === true;
  }

  released(clientId: string, messageId = 0): void {
    const ids = this.#ids.get(clientId);
    ids?.delete(messageId);
    if (ids?.size === 0) this.#ids.delete(clientId);
  }

  forget(clientId: string): void {
    this.#ids.delete(clientId);
  }
}
