/** The ids of received QoS 2 messages, all that is needed to recognise a repetition [MQTT-4.3.3-10]. */

export class Received {
  readonly #ids = new Map<string, Set<number>>();

  get size(): number {
    return this.#ids.size;
  }

  add(clientId: string, messageId = 0): void {
    const ids = this.#ids.get(clientId);
    if (ids === undefined) this.#ids.set(clientId, new Set([messageId]));
    else ids.add(messageId);
  }

  has(clientId: string, messageId = 0): boolean {
    return this.#ids.get(clientId)?.has(messageId) === true;
  }

  released(clientId: string, messageId = 0): void {
    this.#ids.get(clientId)?.delete(messageId);
  }

  forget(clientId: string): void {
    this.#ids.delete(clientId);
  }
}
