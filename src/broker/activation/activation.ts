/**
 * The process manager: follows the log and, for each client that changed, compares what should be with
 * what each broker acknowledged. Level-triggered: doing it again, or starting anywhere, does no harm.
 */

import type { ActivationManager } from '../ports/activation.ts';
import type { Broker } from '../ports/broker.ts';
import { ActivationWorker, type ActivationWorkerOptions } from './worker.ts';

export interface ActivationOptions extends Omit<ActivationWorkerOptions, 'broker'> {
  readonly brokers: readonly Broker[];
}

export function startActivation({ brokers, ...options }: ActivationOptions): ActivationManager {
  const lanes = brokers.map((broker) => new ActivationWorker({ ...options, broker }));
  const laneOf = (name: string) => lanes.find(({ broker }) => broker.name === name);
  return {
    ended: Promise.all(lanes.map(({ ended }) => ended)).then(() => undefined),
    async settled(position, timeoutMs, which = 'all') {
      const waited =
        which === 'all' ? lanes : lanes.filter((worker) => worker.broker.kind === 'embedded');
      const all = await Promise.all(waited.map((worker) => worker.settled(position, timeoutMs)));
      return all.every(Boolean);
    },
    stage(staged) {
      const { username, credentialId } = staged;
      const known = options.rows.activations.get(username)?.brokers;
      for (const worker of lanes) {
        const there = known?.[worker.broker.name];
        if (there?.active && there.credentialId === credentialId) continue;
        if (worker.broker.stage(staged)) worker.look(username);
      }
    },
    obstacle: (broker, username) => laneOf(broker)?.obstacle(username),
    states: () => lanes.map((worker) => worker.state()),
    async reconcile(name, repair) {
      const worker = laneOf(name);
      await worker?.reconcile(repair);
      return worker?.state();
    },
  };
}
