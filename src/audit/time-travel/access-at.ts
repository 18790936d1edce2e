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

/** Who could, by name; a page holds all of a name's rows. @throws MalformedCursor */
export function accessAt(
  past: Past,
  moment: Moment,
  question: AccessQuestion,
): RowPage<AccessEntry> {
  const { cursor } = question;
  const after = cursor === undefined ? '' : cursors.place(cursor);
  const names = candidates(past, moment, question).filter((name) => name > after);
  const items: AccessEntry[] = [];
  for (const [at, name] of names.entries()) {
    items.push(...accessOf(past, moment, name, question.topic));
    if (items.length >= question.limit && at + 1 < names.length)
      return { items, nextCursor: cursors.at(name) };
  }
  return { items, nextCursor: null };
}

/** The names that could, or whose sessions were not yet closed, in order. */
function candidates(past: Past, { size }: Moment, question: AccessQuestion): string[] {
  if (question.username !== undefined) return [question.username];
  const { topic = '' } = question;
  const entitlements = entitlementsForMany(withMemory(rolesAt(past, size)), topic);
  const found: string[] = [];
  const active = new Set<string>();
  for (const [username, client] of past.clients.all(size)) {
    const rights = activeRights(client);
    if (rights === null) continue;
    active.add(username);
    if (entitlements(username, rights).length > 0) found.push(username);
  }
  for (const [username, brokers] of past.activations.all(size))
    if (!active.has(username) && Object.values(brokers.active).includes(true)) found.push(username);
  return found.sort();
}
