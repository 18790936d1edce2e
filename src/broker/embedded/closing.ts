/**
 * Ends what aedes holds of a connection that is over, by one listener and without what nobody hears: `stream.finished`, which it uses, is a dozen of
 * them, and makes an error with its stack where a client leaves with a DISCONNECT; its own end of a connection makes one each time, for
 * writes that wait. Those are not its own here (`fairness/reading.ts`). Knows aedes' insides, as `aedes.ts` does.
 */
import type { Client } from 'aedes';

interface ClosingClient {
  closed: boolean;
  connecting: boolean;
  connected: boolean;
  readonly id: string | null;
  readonly will: unknown;
  readonly clean: boolean;
  readonly subscriptions: Readonly<Record<string, { readonly func: unknown }>>;
  readonly _authorized: boolean;
  /** Ends the listening of `stream.finished`. */
  _eos(): void;
  _keepaliveTimer: NodeJS.Timeout | null;
  _keepaliveInterval: number;
  _connectTimer: NodeJS.Timeout | null;
  readonly _parser: { _queue: unknown };
  readonly broker: {
    readonly clients: Readonly<Record<string, unknown>>;
    readonly id: string;
    unsubscribe(filter: string, handler: unknown): void;
    publish(packet: object, done: () => void): void;
    unregisterClient(client: Client): void;
    scheduleSessionExpiry(client: Client): void;
  };
}

export function closeWithStream(client: Client): void {
  const inside = client as unknown as ClosingClient;
  inside._eos();
  inside._eos = () => undefined;
  client.conn.once('close', () => {
    if (inside.closed) return;
    // It is published, or delayed.
    if (inside.will) client.close();
    else end(client, inside);
  });
}

const nothing = () => undefined;

/** Its handlers are taken away in the next turn; of a client that is closed they do nothing. */
function unsubscribe({ broker, id, clean, subscriptions }: ClosingClient): void {
  const filters = Object.keys(subscriptions);
  for (const filter of filters) broker.unsubscribe(filter, subscriptions[filter]?.func);
  if (!clean || filters.length === 0) return;
  const payload = Buffer.from(JSON.stringify({ clientId: id, subs: filters }));
  broker.publish({ topic: `$SYS/${broker.id}/new/unsubscribes`, payload }, nothing);
}

function end(client: Client, inside: ClosingClient): void {
  inside.closed = true;
  unsubscribe(inside);
  inside._parser._queue = null;
  clearTimeout(inside._keepaliveTimer ?? undefined);
  clearTimeout(inside._connectTimer ?? undefined);
  inside._keepaliveTimer = null;
  inside._keepaliveInterval = -1;
  inside._connectTimer = null;
  inside.connected = false;
  inside.connecting = false;
  const { broker, id } = inside;
  if (inside._authorized && id !== null && broker.clients[id]) {
    broker.unregisterClient(client);
    broker.scheduleSessionExpiry(client);
  }
  // Whoever waits for it to read waits no longer.
  client.conn.emit('drain');
}
