/**
 * The process manager: a worker for each broker follows the log and, for each client that changed, compares
 * what should be with what the broker acknowledged. Level-triggered: repeating it, or starting anywhere in the
 * log, does no harm.
 */
import type { ActivationManager } from '../ports/activation.ts';
import type { Broker } from '../ports/broker.ts';
import { ActivationWorker, type ActivationWorkerOptions } from './worker.ts';

export interface ActivationOptions extends Omit<ActivationWorkerOptions, 'broker'> {
  readonly brokers: readonly Broker[];
}

export function startActivation({ brokers, ...options }: ActivationOptions): ActivationManager {
  const workers = brokers.map((broker) => new ActivationWorker({ ...options, broker }));
  const workerOf = (name: string) => workers.find(({ broker }) => broker.name === name);
  return {
    ended: Promise.all(workers.map(({ ended }) => ended)).then(() => undefined),
    async settled(position, timeoutMs, which = 'all') {
      const chosen =
        which === 'all' ? workers : workers.filter(({ broker }) => broker.kind === 'embedded');
      const all = await Promise.all(chosen.map((worker) => worker.settled(position, timeoutMs)));
      return all.every(Boolean);
    },
    stage(staged) {
      const { username, credentialId } = staged;
      // Every connect comes here: the row is read only for a broker that has a use for the password.
      const taking = workers.filter(({ broker }) => broker.takesPasswords);
      if (taking.length === 0) return;
      const known = options.rows.activations.get(username)?.brokers;
      for (const worker of taking) {
        const there = known?.[worker.broker.name];
        if (there?.active && there.credentialId === credentialId) continue;
        if (worker.broker.stage(staged)) worker.reconcileSoon(username);
      }
    },
    obstacle: (broker, username) => workerOf(broker)?.obstacle(username),
    states: () => workers.map((worker) => worker.state()),
    async reconcile(name, repair) {
      const worker = workerOf(name);
      await worker?.reconcile(repair);
      return worker?.state();
    },
  };
}
