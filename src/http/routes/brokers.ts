/** Brokers: whether they are up, how far they are, and where they differ from the log. */
import { z } from 'zod';
import { BrokerList, BrokerShape } from '../../api/brokers.ts';
import type { App } from '../../app.ts';
import { Problem } from '../response/problem.ts';
import { done, ok, type Route, route } from '../route.ts';

const group = 'Brokers';
const Reconcile = z.strictObject({ repair: z.boolean().optional() });
const ByBrokerName = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/, { message: 'must be the name of a broker' }),
});

export const brokerRoutes = ({ brokers, readModels }: App): Route[] => [
  route({
    method: 'GET',
    path: '/api/brokers',
    group,
    operationId: 'listBrokers',
    summary: 'Brokers, and where they differ from the log',
    access: 'permitted',
    answers: { 200: { description: 'In the order of the configuration.', body: BrokerList } },
    handle: () => ok({ items: brokers.states(), nextCursor: null }),
  }),
  route({
    method: 'POST',
    path: '/api/brokers/{name}/reconcile',
    group,
    operationId: 'reconcileBroker',
    summary: 'Compare a broker with the log now',
    description:
      'With "repair" what the log owns there is put right. Accounts of others are never touched. ' +
      'A broker that is down is shown as it was last seen.',
    access: 'permitted',
    params: ByBrokerName,
    body: Reconcile,
    answers: { 200: { description: 'The broker as it is after that.', body: BrokerShape } },
    problems: ['broker-not-found'],
    async handle({ params, body }) {
      const state = await brokers.reconcile(params.name, body.repair === true);
      if (state === undefined) throw new Problem('broker-not-found');
      return done({ position: readModels.position() }, state);
    },
  }),
];
