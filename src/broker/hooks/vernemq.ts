/** VerneMQ: answers to its webhooks, and its HTTP API for ending sessions. */
import { z } from 'zod';
import type { ApiAddress } from '../../config/brokers.ts';
import { hookPageSize } from '../../limits/brokers.ts';
import type { SessionsApi } from './adapter.ts';
import { type ActiveClient, type Hooks, withoutShareName } from './hooks.ts';
import { brokerApi } from './rest-api.ts';

/** The values of the header `vernemq-hook`; those of MQTT 5 end in `_m5`. */
export const vernemqQuestions = [
  'auth_on_register',
  'auth_on_register_m5',
  'auth_on_publish',
  'auth_on_publish_m5',
  'auth_on_subscribe',
  'auth_on_subscribe_m5',
] as const;
export type VernemqQuestion = (typeof vernemqQuestions)[number];

const session = {
  client_id: z.string(),
  mountpoint: z.string().optional(),
  username: z.string().nullish(),
};
const Register = z.object({
  ...session,
  peer_addr: z.string().nullish(),
  password: z.string().nullish(),
});
const Publish = z.object({ ...session, topic: z.string() });
const Subscribe = z.object({
  ...session,
  topics: z.array(z.object({ topic: z.string(), qos: z.int() })).max(1_000),
});
export const VernemqQuestionBody = {
  auth_on_register: Register,
  auth_on_register_m5: Register,
  auth_on_publish: Publish,
  auth_on_publish_m5: Publish,
  auth_on_subscribe: Subscribe,
  auth_on_subscribe_m5: Subscribe,
};

const refusal = { result: { error: 'not_allowed' } };

export async function vernemqRegisters(
  hooks: Hooks,
  question: z.output<typeof Register>,
  addressOf: (text: string | undefined) => string | null,
): Promise<object> {
  const admission = await hooks.connect('vernemq', {
    username: question.username ?? undefined,
    password: question.password == null ? undefined : Buffer.from(question.password),
    clientId: question.client_id,
    source: addressOf(question.peer_addr ?? undefined),
    certificate: null,
  });
  return admission === null ? refusal : { result: 'ok' };
}

const activeOf = (
  hooks: Hooks,
  { username, client_id }: { username?: string | null | undefined; client_id: string },
): ActiveClient | undefined => hooks.activeClient(username ?? undefined, client_id);

/** VerneMQ changes the topic, so the publish prefix is added here. */
export function vernemqPublishes(hooks: Hooks, question: z.output<typeof Publish>): object {
  const active = activeOf(hooks, question);
  if (active === undefined) return refusal;
  const topic = `${active.publishPrefix ?? ''}${question.topic}`;
  if (!hooks.mayPublish(active, topic)) return refusal;
  return active.publishPrefix === null ? { result: 'ok' } : { result: 'ok', modifiers: { topic } };
}

/** Each filter by itself: 128 [MQTT-3.9.3-2], or 135 in MQTT 5. */
export function vernemqSubscribes(
  hooks: Hooks,
  question: z.output<typeof Subscribe>,
  version: 3 | 5,
): object {
  const active = activeOf(hooks, question);
  if (active === undefined) return refusal;
  const denied = version === 5 ? 135 : 128;
  const topics = question.topics.map(({ topic, qos }) => ({
    topic,
    qos: hooks.mayRead(active, withoutShareName(topic)) ? qos : denied,
  }));
  if (topics.every(({ qos }) => qos !== denied)) return { result: 'ok' };
  return version === 5 ? { result: 'ok', modifiers: { topics } } : { result: 'ok', topics };
}

const SessionsTable = z.object({
  table: z.array(
    z.object({
      client_id: z.string(),
      mountpoint: z.string().optional(),
      is_online: z.boolean().optional(),
    }),
  ),
});

/** Its HTTP API has the commands of `vmq-admin`. With a session, what is stored for it is deleted. */
export function vernemqSessions(name: string, address: ApiAddress): SessionsApi {
  const api = brokerApi(name, address);
  return {
    async probe() {
      await api('GET', '/api/v1/cluster/show');
    },
    async close(username, staying) {
      const user = encodeURIComponent(username);
      const { body } = await api(
        'GET',
        `/api/v1/session/show?--client_id&--mountpoint&--is_online&--user=${user}&--limit=${hookPageSize}`,
      );
      let closed = 0;
      for (const one of SessionsTable.safeParse(body).data?.table ?? []) {
        if (staying.has(one.client_id)) continue;
        const clientId = encodeURIComponent(one.client_id);
        const mountpoint = one.mountpoint
          ? `&mountpoint=${encodeURIComponent(one.mountpoint)}`
          : '';
        const { status } = await api(
          'GET',
          `/api/v1/session/disconnect?client-id=${clientId}${mountpoint}&--cleanup`,
        );
        if (status !== 404 && one.is_online !== false) closed++;
      }
      return closed;
    },
  };
}
