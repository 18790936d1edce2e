/** That nobody's client takes the processor, or the memory, from the others: put together for one broker. */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Aedes, Client } from 'aedes';
import { mqttRetainedLookedMs } from '../../../limits/mqtt.ts';
import type { MqttLimit } from '../../ports/embedded.ts';
import type { BrokerConnection } from '../session.ts';
import { deliverFairly } from './delivery.ts';
import { FairTurns, type Share, type TurnLimits, type TurnsTold } from './fair-turns.ts';
import type { Gathered } from './gathered.ts';
import { Intake, type IntakeLimits } from './intake.ts';
import { guardDelivery } from './reading.ts';
import { Unread, type UnreadLimits, UnreadOf } from './unread.ts';
import { type Owed, Window } from './window.ts';

export type FairnessLimits = TurnLimits &
  IntakeLimits &
  UnreadLimits & {
    /** Messages of others that wait for one user's turn. */
    readonly deliveriesWaiting: number;
  };

/** Whoever's SUBSCRIBE retained messages are looked for. */
export interface RetainedAsking {
  /** Resolves in the asking user's turn. */
  turn(): Promise<void>;
  ended(): void;
}

export function fairness(options: {
  readonly aedes: Aedes;
  readonly limits: FairnessLimits;
  readonly connectionOf: (client: Client) => BrokerConnection | undefined;
  readonly usernameOf: (clientId: string) => string | undefined;
  readonly reached: (limit: MqttLimit) => void;
  readonly told: TurnsTold;
  readonly clockMs: (() => number) | undefined;
}) {
  const { aedes, limits, connectionOf, usernameOf, reached, told, clockMs } = options;
  const turns = new FairTurns(limits, told, clockMs);
  const unread = new Unread(limits, reached);
  const intakes = new WeakMap<Client, Intake>();
  const windows = new WeakMap<object, Window>();
  const shareOf = (client: Client): (() => Share | null) => {
    let share: Share | null = null;
    return () => {
      const user = share === null ? connectionOf(client)?.session?.user : undefined;
      if (user !== undefined) share = turns.shareOf(user);
      return share;
    };
  };

  deliverFairly(aedes, { turns, usernameOf, waitingMax: limits.deliveriesWaiting, reached });
  // aedes says who subscribed, and then asks its persistence what is retained, without saying for whom.
  let subscribing: Client | null = null;
  aedes.on('subscribe', (_filters, client) => {
    subscribing = client;
  });

  return {
    guard(client: Client, socket: Duplex, outgoing: Gathered) {
      const own = shareOf(client);
      const intake = new Intake(client, { turns, shareOf: own, limits, unread });
      intakes.set(client, intake);
      const close = (error: Error) => void client.conn.destroy(error);
      const its = new UnreadOf(unread, client.conn, socket as Socket, close);
      const window = new Window(unread, () => client.receiveMaximum);
      windows.set(client, window);
      guardDelivery(client, {
        ...{ broker: aedes, turns, shareOf: own, outgoing },
        ...{ unread: its, window },
      });
      return { intake, window };
    },

    ...ordering(intakes),
    ...storedIn(windows, turns, connectionOf),

    asking(): RetainedAsking | null {
      const client = subscribing;
      subscribing = null;
      const user = client === null ? undefined : connectionOf(client)?.session?.user;
      if (client === null || user === undefined) return null;
      const share = turns.shareOf(user);
      return {
        turn: () =>
          new Promise((resolve) => {
            turns.run(share, () => {
              turns.charge(share, mqttRetainedLookedMs);
              resolve();
              return false;
            });
          }),
        ended: intakes.get(client)?.replaying() ?? (() => undefined),
      };
    },
  };
}

const ordering = (intakes: WeakMap<Client, Intake>) => ({
  /** Changes the subscriptions of a connection in the order of its packets. */
  changed: (client: Client, change: () => Promise<void>): Promise<void> =>
    intakes.get(client)?.changed(change) ?? change(),
});

/** What a persistence tells of the messages of a session, and is told of them. */
const storedIn = (
  windows: WeakMap<object, Window>,
  turns: FairTurns,
  connectionOf: (client: Client) => BrokerConnection | undefined,
) => ({
  /** A connection has its stored session, and aedes goes on with it. */
  resume(client: Client, owed: Owed): void {
    const window = windows.get(client);
    window?.resume(owed);
    // aedes tells of it when the last of what is owed is written.
    client.once('connected', () => {
      window?.resumed();
      // Each was brought to its readers when it was stored: behind those that wait for their turn none comes any more.
      const user = connectionOf(client)?.session?.user;
      if (user !== undefined) turns.deliverLater(turns.shareOf(user), () => window?.forgetOwed());
    });
  },

  /** The packets that a resumed session is owed, as its connection takes them. */
  owed: (client: object) => windows.get(client)?.owed() ?? null,

  /** A message is acknowledged, or not to be sent. */
  released: (client: object, messageId: number) => windows.get(client)?.acknowledged(messageId),
});
