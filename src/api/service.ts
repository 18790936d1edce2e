/** What the service answers about itself: its keys, read models and health. */
import { z } from 'zod';
import { Instant } from '../../domain/values.ts';
import { named } from './output.ts';

const Text = z.string();
const Count = z.int().min(0);

export const Keys = named(
  'Keys',
  z.strictObject({
    issuer: Text,
    keys: z.array(
      z.strictObject({
        kid: Text,
        key: Text,
        use: z.enum(['sign', 'verify']),
        until: Instant.nullable(),
      }),
    ),
  }),
);
export type Keys = z.infer<typeof Keys>;

export const ReadModels = named(
  'ReadModels',
  z.strictObject({
    position: Text,
    stateHash: Text,
    items: z.array(
      z.strictObject({ name: Text, version: z.int(), rowCount: Count, stateHash: Text }),
    ),
  }),
);
export type ReadModels = z.infer<typeof ReadModels>;

export const Health = named('Health', z.strictObject({ status: z.literal('up') }));

const ca = { subject: Text, fingerprint: Text, notAfter: Instant };

export const CaDescription = named(
  'CaDescription',
  z.strictObject({
    ...ca,
    others: z
      .array(z.strictObject({ ...ca, crl: Text.nullable() }))
      .optional()
      .describe(
        'While the CA changes: those before and after it, which are trusted as well, and the paths of their lists; absent: none.',
      ),
  }),
);
export type CaDescription = z.infer<typeof CaDescription>;

export const Readiness = named(
  'Readiness',
  z.strictObject({
    status: z.enum(['ready', 'unready']),
    checks: z.record(Text, z.enum(['up', 'down'])),
  }),
);
export type Readiness = z.infer<typeof Readiness>;
