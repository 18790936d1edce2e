/** Brokers as they are answered: whether they are up, how far they are, and where they differ from the log. */
import { z } from 'zod';
import { listOf, named } from './output.ts';

const Count = z.int().min(0);

export const BrokerShape = named(
  'Broker',
  z.strictObject({
    name: z.string(),
    kind: z.enum(['embedded', 'mosquitto', 'emqx', 'rabbitmq', 'vernemq']),
    status: z.enum(['up', 'down']),
    accountCount: Count.describe('Accounts there, also those of others; 0 where it keeps none.'),
    lagEvents: Count.describe('Events of the log that it has not yet heard of.'),
    drift: z
      .array(
        z.strictObject({
          username: z.string(),
          kind: z.enum(['stranger', 'missing', 'rights', 'enabled']),
        }),
      )
      .describe('Differences from the log, as of the last comparison.'),
  }),
);
export type BrokerShape = z.infer<typeof BrokerShape>;

export const BrokerList = listOf('BrokerList', BrokerShape);
