/** Who could publish or subscribe at a moment, or what somebody could: a page of names at a time. */
import type { RolePermissions } from '../../../domain/matching.ts';
import { cursorsOf } from '../../read-models/cursor.ts';
import type { RowPage } from '../../read-models/row-table.ts';
import { type AccessEntry, accessOf, activeRights } from './access-spans.ts';
import { entitlementsForMany } from './entitlements.ts';
import { type Moment, type Past, rolesAt } from './past.ts';

/** Looks each role up once. */
function withMemory(permissionsOf: RolePermissions): RolePermissions {
  const known = new Map<string, ReturnType<RolePermissions>>();
  return (role) => {
    const found = known.get(role) ?? permissionsOf(role);
    known.set(role, found);
    return found;
  };
}

interface AccessQuestion {
  readonly topic?: string | undefined;
  readonly username?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** A place in the list is a name. */
const cursors = cursorsOf('access-at');

/** Who could, by name; a page holds all of a name's rows. Others have their turns meanwhile. @throws MalformedCursor */
export async function accessAt(
  past: Past,
  moment: Moment,
  question: AccessQuestion,
): Promise<RowPage<AccessEntry>> {
  const { cursor, topic, limit } = question;
  const after = cursor === undefined ? '' : cursors.place(cursor);
  const breathe = past.turns.begin();
  const items: AccessEntry[] = [];
  let last = after;
  for (const names of candidates(past, moment, question, after)) {
    for (const name of names) {
      if (items.length >= limit) return { items, nextCursor: cursors.at(last) };
      items.push(...accessOf(past, moment, name, topic));
      last = name;
      await breathe();
    }
    await breathe();
  }
  return { items, nextCursor: null };
}

/** The names that could, or whose sessions were not yet closed, in order and a step at a time. */
function* candidates(
  past: Past,
  { size }: Moment,
  question: AccessQuestion,
  after: string,
): Generator<readonly string[], void, void> {
  const { username, topic = '' } = question;
  if (username !== undefined) {
    if (username > after) yield [username];
    return;
  }
  const entitlements = entitlementsForMany(withMemory(rolesAt(past, size)), topic);
  for (const step of past.clients.steps(size, after)) {
    const found: string[] = [];
    const active = new Set<string>();
    for (const [name, client] of step.rows) {
      const rights = activeRights(client);
      if (rights === null) continue;
      active.add(name);
      if (entitlements(name, rights).length > 0) found.push(name);
    }
    for (const [name, brokers] of past.activations.within(size, step))
      if (!active.has(name) && Object.values(brokers.active).includes(true)) found.push(name);
    yield found.sort();
  }
}
