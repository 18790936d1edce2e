/** Names that complete: asked of the registry, quickly or not at all. */

import type { BrokerShape } from '../../api/brokers.ts';
import type {
  Preauthorization,
  Proposal,
  Request,
  Role,
  Schedule,
  User,
} from '../../api/output.ts';
import type { List } from '../client/lists.ts';
import type { QueryParameters, Registry } from '../client/registry-client.ts';
import type { NameKind } from './words.ts';

/** Nobody waits longer for the Tab key. */
const askMs = 2_000;
const namesMax = 1_000;

/** Words that a shell takes as they stand; others are not offered. */
const plain = /^[\w.@:+=/-]+$/;

interface Source {
  readonly path: string;
  readonly query: (begun: string) => QueryParameters;
  readonly names: (items: never[]) => string[];
}
const source = <Item>(
  path: string,
  name: (item: Item) => string,
  query: (begun: string) => QueryParameters = () => ({}),
): Source => ({ path, query, names: (items) => (items as Item[]).map(name) });

const sources: Readonly<Record<NameKind, Source>> = {
  waiting: source<Request>(
    '/client-registry/requests',
    ({ username }) => username,
    (begun) => ({ status: 'pending', q: begun }),
  ),
  clients: source<User>(
    '/users',
    ({ username }) => username,
    (begun) => ({ q: begun }),
  ),
  roles: source<Role>('/roles', ({ name }) => name),
  rules: source<Preauthorization>(
    '/client-registry/preauthorizations',
    ({ preauthorizationId }) => preauthorizationId,
    () => ({ status: 'active' }),
  ),
  approvals: source<Proposal>(
    '/approvals',
    ({ proposalId }) => proposalId,
    () => ({ status: 'waiting' }),
  ),
  schedules: source<Schedule>(
    '/client-registry/windows',
    ({ scheduleId }) => scheduleId,
    () => ({ standing: 'true' }),
  ),
  brokers: source<BrokerShape>('/brokers', ({ name }) => name),
};

/** Rejects where the registry does not answer, or does not let one see them. */
export async function namesOf(
  registry: Registry,
  kind: NameKind,
  begun: string,
): Promise<string[]> {
  const { path, query, names } = sources[kind];
  const pages = kind === 'brokers' ? {} : { limit: namesMax };
  const { body } = await registry.get<List<never>>(
    path,
    { ...query(begun), ...pages },
    { signal: AbortSignal.timeout(askMs) },
  );
  return names([...body.items]).filter((name) => plain.test(name));
}
