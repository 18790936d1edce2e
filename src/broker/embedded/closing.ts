/**
 * Tells aedes that a connection is over, by one listener and without what nobody hears: `stream.finished`, which it uses, is a dozen of them,
 * and makes an error with its stack where a client leaves with a DISCONNECT; its own end of a connection makes one each time, for
 * writes that wait. Those are not its own here (`fairness/reading.ts`). Knows aedes' insides, as `aedes.ts` does.
 */
import type { Client } from 'aedes';

interface ClosingClient {
  closed: boolean;
  connecting: boolean;
  connected: boolean;
  readonly id: string | null;
  readonly will: unknown;
  readonly subscriptions: object;
  readonly _authorized: boolean;
  /** Ends the listening of `stream.finished`. */
  _eos(): void;
  _keepaliveTimer: NodeJS.Timeout | null;
  _keepaliveInterval: number;
  _connectTimer: NodeJS.Timeout | null;
  readonly _parser: { _queue: unknown };
  readonly broker: {
    readonly clients: Readonly<Record<string, unknown>>;
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
    if (inside.will || readsAnything(inside)) client.close();
    else closeSilent(client, inside);
  });
}

function readsAnything({ subscriptions }: ClosingClient): boolean {
  for (const _ in subscriptions) return true;
  return false;
}

/** A client that reads nothing and has no will: the end of most devices that connect to send. */
function closeSilent(client: Client, inside: ClosingClient): void {
  inside.closed = true;
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
