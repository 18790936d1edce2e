/** Runs the process manager while this node is the leader, which holds the lease; other nodes only read. */
import { createWakeup } from '../../platform/wakeup.ts';
import { type Lease, LeaseLost, leased } from '../../store/lease.ts';
import type { ActivationManager } from '../ports/activation.ts';
import type { Broker } from '../ports/broker.ts';
import { type ActivationOptions, startActivation } from './activation.ts';

/** What a broker does only for the leader. */
const leaderCalls: readonly (keyof Broker & string)[] = [
  'hold',
  'activate',
  'deactivate',
  'setAuthorization',
  'disconnect',
];

/** The same broker, whose `onUp` replaces the listener: each term as leader has its own. */
function withOneListener(broker: Broker): Broker {
  let listener: () => void = () => undefined;
  broker.onUp(() => listener());
  return new Proxy(broker, {
    get(of, name) {
      if (name === 'onUp')
        return (next: () => void) => {
          listener = next;
        };
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

/** What was under way when the lease was lost is dropped: the next leader compares for itself. */
export function activateWhileLeader(options: ActivationOptions, lease: Lease): ActivationManager {
  let current: ActivationManager | undefined;
  const guarded = {
    ...options,
    store: leased(options.store, lease, ['append']),
    brokers: options.brokers.map((broker) => leased(withOneListener(broker), lease, leaderCalls)),
  };
  const ended = lease.whileHeld(options.signal, async (signal) => {
    const manager = startActivation({ ...guarded, signal });
    current = manager;
    await manager.ended;
    // Without brokers there is nothing to end, and the lease is held all the same.
    await createWakeup().next(signal);
    current = undefined;
  });
  return {
    ended,
    settled: async (position, timeoutMs, which) =>
      (await current?.settled(position, timeoutMs, which)) ?? false,
    stage: (staged) => current?.stage(staged),
    obstacle: (broker, username) => current?.obstacle(broker, username),
    states: () =>
      current?.states() ??
      options.brokers.map(({ name, kind, status }) => ({
        name,
        kind,
        status: status(),
        accountCount: 0,
        lagEvents: 0,
        drift: [],
      })),
    async reconcile(broker, repair) {
      if (!current) throw new LeaseLost('another node drives the brokers: ask that one');
      return await current.reconcile(broker, repair);
    },
  };
}
