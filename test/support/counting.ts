/** A projection that counts, and a log for it: small enough to see the machine around it. */
import { z } from 'zod';
import type { Projection } from '../../projections/projection.ts';
import { positionOf } from '../../src/store/event-store.ts';
import { logOf } from './read-models.ts';

export const Counted = z.object({
  type: z.enum(['Added', 'Cleared']),
  data: z.object({ key: z.string(), by: z.number().optional() }),
});
export type Counted = z.infer<typeof Counted>;
export interface Count {
  readonly key: string;
  readonly total: number;
}

/** How often a counter folded an event. */
export const folds = { count: 0 };
export const counter = (
  name: string,
  over: Partial<Projection<Count, Counted>> = {},
): Projection<Count, Counted> => ({
  name,
  version: 1,
  reads: ['sum'],
  Event: Counted,
  key: ({ data }) => (data.key === 'nobody' ? undefined : data.key),
  evolve: (row, { type, data }) => {
    folds.count++;
    if (type === 'Cleared') return undefined;
    return { key: data.key, total: (row?.total ?? 0) + (data.by ?? 1) };
  },
  columns: { total: (row) => row.total },
  ...over,
});
export const sums = counter('sums');
/** Throws at the first event of this key. */
export const breaking = (key: string) =>
  counter('breaking', {
    evolve: (row, { data }) => {
      if (data.key === key) throw new TypeError('no such thing: hunter2');
      return { key: data.key, total: (row?.total ?? 0) + 1 };
    },
  });

export const added = (key: string, by = 1) => ({
  stream: 'sum-1',
  type: 'Added',
  data: { key, by },
});
export const cleared = (key: string) => ({ stream: 'sum-1', type: 'Cleared', data: { key } });
export const elsewhere = { stream: 'weather-1', type: 'Rained', data: {} };
export const log = logOf([
  added('a'),
  elsewhere,
  added('b', 2),
  added('a', 3),
  cleared('b'),
  added('b', 7),
]);
/** The position of an event by its number, from 1. */
export const at = (place: number) => positionOf(place);
