/**
 * The process manager: follows the log and, for each client that changed, compares what should be with
 * what each broker acknowledged. Level-triggered: doing it again, or starting anywhere, does no harm.
 */

import type { ActivationManager, Broker } from '../ports/broker.ts';
import { Lane, type LaneOptions } from './worker.ts';

export interface ActivationOptions extends Omit<LaneOptions, 'broker'> {
  readonly brokers: readonly Broker[];
}

export function startActivation({ brokers, ...options }: ActivationOptions): ActivationManager {
  const lanes = brokers.map((broker) => new Lane({ ...options, broker }));
  const laneOf = (name: string) => lanes.find(({ broker }) => broker.name === name);
  return {
    ended: Promise.all(lanes.map(({ ended }) => ended)).then(() => undefined),
    async settled(position, timeoutMs, which = 'all') {
      const waited =
        which === 'all' ? lanes : lanes.filter((lane) => lane.broker.kind === 'embedded');
      const all = await Promise.all(waited.map((lane) => lane.settled(position, timeoutMs)));
      return all.every(Boolean);
    },
    stage(staged) {
      const { username, credentialId } = staged;
      const known = options.rows.activations.get(username)?.brokers;
      for (const lane of lanes) {
        const there = known?.[lane.broker.name];
        if (there?.active && there.credentialId === credentialId) continue;
        if (lane.broker.stage(staged)) lane.look(username);
      }
    },
    note: (broker, username) => laneOf(broker)?.note(username),
    states: () => lanes.map((lane) => lane.state()),
    async reconcile(name, repair) {
      const lane = laneOf(name);
      await lane?.reconcile(repair);
      return lane?.state();
    },
  };
}
