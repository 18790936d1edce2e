/** Drives the brokers while this node holds the lease; a node that does not hold it only looks on. */
import { type Lease, LeaseLost, leased } from '../../store/lease.ts';
import type { ActivationManager } from '../ports/activation.ts';
import type { Broker } from '../ports/broker.ts';
import { type ActivationOptions, startActivation } from './activation.ts';

const acting: readonly (keyof Broker & string)[] = [
  'hold',
  'activate',
  'deactivate',
  'setAuthorization',
  'disconnect',
];

/** The same broker, which tells only whoever asked last that it is back: each holder in its turn. */
function tellingTheLast(broker: Broker): Broker {
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

/** What it was about to do when the lease was lost is dropped: the next holder compares for itself. */
export function activateWhileLeader(options: ActivationOptions, lease: Lease): ActivationManager {
  let driving: ActivationManager | undefined;
  const guarded = {
    ...options,
    store: leased(options.store, lease, ['append']),
    brokers: options.brokers.map((broker) => leased(tellingTheLast(broker), lease, acting)),
  };
  const ended = lease.whileHeld(options.signal, async (signal) => {
    const mine = startActivation({ ...guarded, signal });
    driving = mine;
    await mine.ended;
    // Without brokers there is nothing to end, and the lease is held all the same.
    if (!signal.aborted)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    driving = undefined;
  });
  return {
    ended,
    settled: async (position, timeoutMs, which) =>
      (await driving?.settled(position, timeoutMs, which)) ?? false,
    stage: (staged) => driving?.stage(staged),
    obstacle: (broker, username) => driving?.obstacle(broker, username),
    states: () =>
      driving?.states() ??
      options.brokers.map(({ name, kind, status }) => ({
        name,
        kind,
        status: status(),
        accountCount: 0,
        lagEvents: 0,
        drift: [],
      })),
    async reconcile(broker, repair) {
      if (!driving) throw new LeaseLost('another node drives the brokers: ask that one');
      return await driving.reconcile(broker, repair);
    },
  };
}
