/** One race over two nodes: made ready while all is well, run while something befalls them, looked at when it is over. */
import type { Chance } from '../../trials/random.ts';
import type { Caller } from './caller.ts';
import type { Cluster, ClusterNode } from './cluster.ts';

/** Who decides now: an administrator, signed in. */
export interface Keeper {
  username: string;
  token: string;
}

export interface Course {
  readonly cluster: Cluster;
  readonly caller: Caller;
  readonly chance: Chance;
  readonly keeper: Keeper;
  /** Of the round; no two have the same. */
  readonly number: number;
}

export interface Race {
  run(): Promise<void>;
  /** What must not be, in words. */
  look(): Promise<string[]>;
  /** Answers, and calls that nobody answered. */
  readonly counts: { answered: number; lost: number };
}

export const anyNode = ({ cluster, chance }: Course): ClusterNode => chance.pick(cluster.nodes);
