/** Sends what an import makes: roles first, then clients, many at once. */
import { type ImportedUser, importedUsersMax } from '../../api/input.ts';
import type { Role, UserImport } from '../../api/output.ts';
import {
  importRequestsAtOnceMax,
  importSentBytesMax,
  importSentValuesMax,
} from '../../limits/operating.ts';
import { ProblemAnswered } from '../client/problem.ts';
import { unlessWaits } from '../client/proposed.ts';
import type { Registry } from '../client/registry-client.ts';
import type { Call } from '../command.ts';
import type { MovingClient, MovingRole } from './found.ts';
import type { MovePlan } from './plan.ts';

interface NotMade {
  readonly kind: 'role' | 'client';
  readonly name: string;
  readonly because: string;
}

export interface MoveOutcome {
  readonly roleCount: number;
  readonly clientCount: number;
  /** Commands that wait for several people. */
  readonly proposedCount: number;
  readonly notMade: readonly NotMade[];
}

export function sentClient({ username, password, ...client }: MovingClient): ImportedUser {
  const { roles, permissions, mqttClientId, mqttPublishPrefix } = client;
  const secret =
    password?.kind === 'verifier'
      ? { verifier: password.verifier }
      : password?.kind === 'plain'
        ? { password: password.password }
        : {};
  return {
    ...{ username, ...secret, roles: [...roles], permissions: [...permissions] },
    ...{ mqttClientId, mqttPublishPrefix },
  };
}

/** So many at once as one request may hold. */
export function* portionsOf(clients: readonly ImportedUser[]): Generator<ImportedUser[]> {
  let portion: ImportedUser[] = [];
  let [bytes, values] = [0, 0];
  for (const client of clients) {
    const size = Buffer.byteLength(JSON.stringify(client));
    const count = 8 + (client.roles?.length ?? 0) + 4 * (client.permissions?.length ?? 0);
    const isFull =
      portion.length >= importedUsersMax ||
      bytes + size > importSentBytesMax ||
      values + count > importSentValuesMax;
    if (isFull && portion.length > 0) {
      yield portion;
      [portion, bytes, values] = [[], 0, 0];
    }
    portion.push(client);
    bytes += size;
    values += count;
  }
  if (portion.length > 0) yield portion;
}

/** It is about one thing alone: the others go on. */
const refusalOf = (error: unknown): string | null =>
  error instanceof ProblemAnswered && [400, 403, 404, 409].includes(error.problem.status)
    ? (error.problem.detail ?? error.problem.title)
    : null;

async function sendRole(call: Call, registry: Registry, { name, permissions, place }: MovingRole) {
  const body = { permissions, description: `Moved in from ${place.replace(/^.*\//, '')}` };
  const path = `/roles/${encodeURIComponent(name)}`;
  return await unlessWaits({ ...call, json: false }, () => registry.send<Role>('PUT', path, body));
}

export async function send(
  call: Call,
  registry: Registry,
  { roles, clients }: MovePlan,
): Promise<MoveOutcome> {
  const notMade: NotMade[] = [];
  const awaited = new Set<string>();
  let [roleCount, proposedCount] = [0, 0];
  for (const role of roles)
    try {
      if ((await sendRole(call, registry, role)) === undefined) {
        awaited.add(role.name);
        proposedCount += 1;
      } else roleCount += 1;
    } catch (error) {
      const because = refusalOf(error);
      if (because === null) throw error;
      notMade.push({ kind: 'role', name: role.name, because });
    }

  const sendable = clients.filter(({ username, roles: named }) => {
    const role = named.find((name) => awaited.has(name));
    if (role !== undefined)
      notMade.push({
        ...{ kind: 'client', name: username },
        because: `its role ${role} waits for approval: import again then`,
      });
    return role === undefined;
  });
  const sent = await sendClients(call, registry, sendable.map(sentClient));
  return {
    ...{ roleCount, clientCount: sent.clientCount },
    proposedCount: proposedCount + sent.proposedCount,
    notMade: [...notMade, ...sent.notMade],
  };
}

async function sendClients(
  call: Call,
  registry: Registry,
  clients: readonly ImportedUser[],
): Promise<Omit<MoveOutcome, 'roleCount'>> {
  const notMade: NotMade[] = [];
  let [sent, clientCount, proposedCount] = [0, 0, 0];
  const portions = portionsOf(clients);
  const sendNext = async () => {
    for (const users of portions) {
      call.terminal.progress(`Moving in  ${sent} of ${clients.length}`);
      const answer = await unlessWaits({ ...call, json: false }, () =>
        registry.send<UserImport>('POST', '/users/import', { users }),
      );
      sent += users.length;
      if (answer === undefined) proposedCount += 1;
      for (const item of answer?.body.items ?? [])
        if ('problem' in item)
          notMade.push({
            ...{ kind: 'client', name: item.username },
            because: item.problem.detail ?? item.problem.title,
          });
        else clientCount += 1;
    }
  };
  await Promise.all(Array.from({ length: importRequestsAtOnceMax }, sendNext));
  call.terminal.progress('');
  return { clientCount, proposedCount, notMade };
}
