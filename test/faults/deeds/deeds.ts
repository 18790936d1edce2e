/** What acknowledged deeds have in common: done by several at once until the registry is killed, looked at when it is back. */
import type { Served } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';

/** A registry that runs, with what is needed to do something with it. */
export interface Running {
  readonly served: Served;
  readonly token: string;
  readonly https: string;
  readonly ca: string;
  readonly chance: Chance;
}

export interface Deeds {
  /** One deed; rejects when the registry goes away in the middle of it. */
  act(running: Running): Promise<void>;
  /** After a start: what was acknowledged and is not so. */
  look(running: Running): Promise<string[]>;
  /** How many were acknowledged. */
  readonly acknowledged: () => number;
}

/** The address of a listener, as the line of the start says it. */
export const addressOf = ({ output }: Served, name: string): string => {
  const line = output.out.split('\n').find((one) => one.includes('"msg":"ready"')) ?? '{}';
  return (JSON.parse(line) as Record<string, string>)[name] ?? '';
};
