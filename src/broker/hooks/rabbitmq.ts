/** RabbitMQ: answers to its HTTP backend for the MQTT plugin, and its REST API for closing connections. */
import type { ApiAddress } from '../../config/brokers.ts';
import type { SessionsApi } from './adapter.ts';
import type { Hooks } from './hooks.ts';
import { type Api, brokerApi } from './rest-api.ts';

export const rabbitmqQuestions = ['user', 'vhost', 'resource', 'topic'] as const;
export type RabbitmqQuestion = (typeof rabbitmqQuestions)[number];

/** The exchange of the MQTT plugin. */
const exchange = 'amq.topic';

/** A routing key as an MQTT topic: the plugin turns `/` into `.` and `+` into `*`, which cannot be undone exactly. */
export const topicOf = (routingKey: string): string =>
  routingKey.replaceAll('.', '/').replaceAll('*', '+');

/** The queues of a session: QoS 0 and QoS 1. */
const queuesOf = (clientId: string): string[] =>
  ['qos0', 'qos1'].map((qos) => `mqtt-subscription-${clientId}${qos}`);

/**
 * True: `allow`. Only MQTT sessions name a client id; a client of AMQP names none and is refused,
 * because the registry's permissions do not cover queues and exchanges.
 */
export async function rabbitmqAllows(
  hooks: Hooks,
  vhosts: readonly string[],
  question: RabbitmqQuestion,
  fields: URLSearchParams,
): Promise<boolean> {
  const field = (name: string) => fields.get(name) ?? undefined;
  const username = field('username');
  const clientId = field('client_id') ?? field('variable_map.client_id');
  // By a certificate: neither a password nor a client id is told with the name.
  if (question === 'user' && username !== undefined && field('password') === undefined)
    return clientId === undefined && hooks.admitsByCertificate(username);
  if (username === undefined || clientId === undefined) return false;
  const vhost = field('vhost');
  if (vhost !== undefined && !vhosts.includes(vhost)) return false;
  if (question === 'user') {
    const admission = await hooks.connect('rabbitmq', {
      ...{ username, clientId, password: Buffer.from(field('password') ?? '') },
      // RabbitMQ sends it only with the vhost, which is after this decision.
      ...{ source: null, certificate: null },
    });
    return admission !== null;
  }
  const active = hooks.activeClient(username, clientId);
  if (active === undefined || vhost === undefined) return false;
  const [name = '', permission] = [field('name'), field('permission')];
  switch (question) {
    case 'vhost':
      return hooks.begins('rabbitmq', username, clientId);
    case 'resource':
      return field('resource') === 'queue'
        ? queuesOf(clientId).includes(name)
        : field('resource') === 'exchange' && name === exchange && permission !== 'configure';
    case 'topic': {
      const routingKey = field('routing_key');
      if (name !== exchange || routingKey === undefined) return false;
      const topic = topicOf(routingKey);
      if (permission === 'write') return hooks.mayPublish(active, topic);
      return permission === 'read' && hooks.mayRead(active, topic);
    }
  }
}

/** Over the management plugin. A list of connections is without client ids: all are closed, or none. */
export function rabbitmqSessions(name: string, address: ApiAddress): SessionsApi {
  const api: Api = brokerApi(name, address);
  return {
    async probe() {
      await api('GET', '/api/whoami');
    },
    async close(username, staying) {
      const path = `/api/connections/username/${encodeURIComponent(username)}`;
      const { body } = await api('GET', path);
      const count = Array.isArray(body) ? body.length : 0;
      if (count === 0 || staying.all(count)) return 0;
      await api('DELETE', path, { 'X-Reason': 'access changed' });
      return count;
    },
  };
}
