/** What the registry has of what an import could make. */
import type { Proposal, Role, User } from '../../api/output.ts';
import { everyItem } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import type { Registry } from '../client/registry-client.ts';
import type { PresentThere } from './plan.ts';

const usernamesIn = ({ action, body }: Proposal): string[] =>
  action === 'importUsers'
    ? (body as { users: { username: string }[] }).users.map(({ username }) => username)
    : [];

/** None where somebody may not see them: then what waits is proposed once more. */
async function waitingIn(registry: Registry): Promise<PresentThere['waiting']> {
  const waiting = { roles: new Set<string>(), clients: new Set<string>() };
  try {
    for await (const one of everyItem<Proposal>(registry, '/approvals', { status: 'waiting' })) {
      if (one.action === 'putRole') waiting.roles.add(one.subject);
      for (const username of usernamesIn(one)) waiting.clients.add(username);
    }
  } catch (error) {
    if (!(error instanceof ProblemAnswered) || error.problem.status !== 403) throw error;
  }
  return waiting;
}

export async function presentThere(registry: Registry): Promise<PresentThere> {
  const roles = new Map<string, Role['permissions']>();
  for await (const { name, permissions } of everyItem<Role>(registry, '/roles', {}))
    roles.set(name, permissions);
  const clients = new Map<string, string>();
  for await (const { username, status } of everyItem<User>(registry, '/users', {}))
    clients.set(username, status);
  return { roles, clients, waiting: await waitingIn(registry) };
}
