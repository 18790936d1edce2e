/** EMQX 5: answers to its HTTP authentication and authorization, and its REST API for ending sessions. */
import { z } from 'zod';
import { type CompiledPermissions, registryTopics } from '../../../domain/matching.ts';
import type { ApiAddress } from '../../config/brokers.ts';
import { hookAclMax, hookPageSize, hookPagesMax } from '../../limits/brokers.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import type { SessionsApi } from './adapter.ts';
import { type Hooks, withoutShareName } from './hooks.ts';
import { brokerApi } from './rest-api.ts';

export const emqxQuestions = ['authn', 'authz'] as const;
export type EmqxQuestion = (typeof emqxQuestions)[number];

const Authn = z.object({
  clientid: z.string(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  peerhost: z.string().nullish(),
  cert_pem: z.string().nullish(),
});
const Authz = z.object({
  clientid: z.string(),
  username: z.string().nullish(),
  topic: z.string(),
  action: z.enum(['publish', 'subscribe']),
});
export const EmqxQuestionBody = { authn: Authn, authz: Authz };

interface EmqxRule {
  readonly permission: 'allow' | 'deny';
  readonly action: 'publish' | 'subscribe';
  readonly topic: string;
}

/**
 * The rules that EMQX can check by itself, the first that matches; it asks for what none matches. It compares a
 * subscription with a rule as if it were a topic, so that `a/+` would let `a/#` in: such rules are
 * not sent, nor are those in which it would read a placeholder or its keyword `eq`.
 */
function rulesOf({ mqttRead, mqttWrite }: CompiledPermissions): EmqxRule[] {
  const rules: EmqxRule[] = [{ permission: 'deny', action: 'publish', topic: registryTopics }];
  const allow = (action: EmqxRule['action'], levels: readonly string[]) => {
    const topic = levels.join('/');
    const isPlain = !topic.includes('${') && !topic.startsWith('eq ');
    if (isPlain && rules.length < hookAclMax) rules.push({ permission: 'allow', action, topic });
  };
  for (const levels of mqttWrite) if (levels[0]?.startsWith('$') !== true) allow('publish', levels);
  for (const levels of mqttRead) if (!levels.includes('+')) allow('subscribe', levels);
  return rules;
}

/** No certificate came: what EMQX writes where there is nothing. */
const nothing = new Set(['', 'undefined', 'null']);

/** The answer's body. `cert_pem`: the client's certificate, `peerhost`: the client's address, where EMQX is configured to send it. */
export function emqxAuthenticates(
  hooks: Hooks,
  { clientid, username, password, peerhost, cert_pem: pem }: z.output<typeof Authn>,
  addressOf: (text: string | undefined) => string | null,
): Soon<object> {
  const certificate = pem == null || nothing.has(pem) ? null : hooks.certificateOf(pem);
  // Sessions are found by their usernames, which EMQX has to know of each.
  if (certificate !== null && !username) return { result: 'deny' };
  // Beside a certificate there need be no password, and nobody's is empty.
  const hasPassword = password != null && !(certificate !== null && nothing.has(password));
  const judged = hooks.connect('emqx', {
    username: username ?? undefined,
    clientId: clientid,
    password: hasPassword ? Buffer.from(password) : undefined,
    source: addressOf(peerhost ?? undefined),
    certificate,
  });
  return soon(judged, (admission) => {
    // Not `ignore`: that would leave it to the next authenticator in EMQX's chain.
    if (admission === null) return { result: 'deny' };
    const end = hooks.endOf(admission);
    return {
      result: 'allow',
      is_superuser: false,
      ...(end === null ? {} : { expire_at: Math.floor(Date.parse(end) / 1_000) }),
      acl: rulesOf(admission.permissions),
    };
  });
}

export function emqxAuthorizes(
  hooks: Hooks,
  { clientid, username, topic, action }: z.output<typeof Authz>,
): object {
  const active = hooks.activeClient(username ?? undefined, clientid);
  const allowed =
    active !== undefined &&
    (action === 'publish'
      ? hooks.mayPublish(active, topic)
      : hooks.mayRead(active, withoutShareName(topic)));
  return { result: allowed ? 'allow' : 'deny' };
}

const ClientsPage = z.object({
  data: z.array(z.object({ clientid: z.string(), connected: z.boolean().optional() })),
});

/** A kick ends a stored session too, whose subscriptions EMQX would not check again. */
export function emqxSessions(name: string, address: ApiAddress): SessionsApi {
  const api = brokerApi(name, address);
  return {
    async probe() {
      await api('GET', '/api/v5/clients?limit=1');
    },
    async close(username, staying) {
      const found: z.output<typeof ClientsPage>['data'] = [];
      for (let page = 1; page <= hookPagesMax; page++) {
        const query = new URLSearchParams({
          username,
          limit: String(hookPageSize),
          page: String(page),
        });
        const { body } = await api('GET', `/api/v5/clients?${query}`);
        const data = ClientsPage.safeParse(body).data?.data ?? [];
        found.push(...data);
        if (data.length < hookPageSize) break;
      }
      let closed = 0;
      for (const { clientid, connected } of found) {
        if (staying.has(clientid)) continue;
        const { status } = await api('DELETE', `/api/v5/clients/${encodeURIComponent(clientid)}`);
        if (status !== 404 && connected !== false) closed++;
      }
      return closed;
    },
  };
}
