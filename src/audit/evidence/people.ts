/** Who has access: accounts by status, and those that hold HTTP rights by name. */

import type { ClientRow } from '../../../projections/clients.ts';
import type { EvidenceItem } from '../../api/evidence.ts';
import type { Authority } from '../../authority.ts';
import { evidencePeopleMax } from '../../limits/audit.ts';
import { liveTokensPerUserMax } from '../../limits/credentials.ts';
import { everyRowInTurns } from '../../read-models/every-row.ts';
import type { Rows } from '../../read-models/row-table.ts';
import type { Views } from '../../views/views.ts';
import { goodIf, item } from './item.ts';

export interface PeopleOptions {
  readonly clients: Rows<ClientRow>;
  readonly authority: Authority;
  readonly views: Pick<Views, 'user' | 'tokens'>;
  readonly now: () => string;
}

interface Person {
  readonly row: ClientRow;
  readonly isAdministrator: boolean;
}

async function lookedAt({ clients, authority }: PeopleOptions) {
  const counts: Record<string, number> = {};
  const people: Person[] = [];
  let personCount = 0;
  for await (const row of everyRowInTurns(clients)) {
    counts[row.status] = (counts[row.status] ?? 0) + 1;
    if (row.status !== 'active' && row.status !== 'suspended') continue;
    if (authority.principal(row.username)?.holdsHttpRights !== true) continue;
    personCount += 1;
    if (people.length < evidencePeopleMax)
      people.push({ row, isAdministrator: row.roles.includes('administrator') });
  }
  return { counts, people, personCount };
}

const signInOf = ({ origin }: ClientRow) =>
  origin === 'sso' ? 'single sign-on' : 'password, no second factor here';

function powersOf({ row }: Person): string {
  const own = row.permissions
    .filter(({ context }) => context === 'http')
    .map(({ resource, operation }) => `${operation} ${resource}`);
  return [...row.roles.map((role) => `role ${role}`), ...own].join(', ');
}

function namedTokens({ views, now }: PeopleOptions, people: readonly Person[]) {
  const held = people.flatMap(({ row: { username } }) =>
    views
      .tokens(username, { limit: liveTokensPerUserMax, cursor: undefined })
      .items.filter(
        ({ kind, revokedAt, expiresAt }) =>
          kind === 'named' && revokedAt === null && expiresAt > now(),
      ),
  );
  const ends = held.map(({ expiresAt }) => expiresAt).sort();
  return { count: held.length, last: ends.at(-1) ?? null };
}

export async function peopleEvidence(options: PeopleOptions): Promise<EvidenceItem[]> {
  const { counts, people, personCount } = await lookedAt(options);
  const administrators = people.filter(({ isAdministrator }) => isAdministrator);
  const local = administrators.filter(({ row }) => row.origin !== 'sso');
  const tokens = namedTokens(options, people);
  return [
    item('accounts', 'Names by status', ['1.3', '1.4'], 'told', counts),
    item('people', 'Who holds rights over the registry, and which', ['1.3', '2.1'], 'told', {
      'how many': personCount,
      ...(personCount > people.length ? { 'named here': people.length } : {}),
      ...Object.fromEntries(
        people.map((one) => [
          one.row.username,
          `${powersOf(one)}; ${one.row.status}; ends ${one.row.expiresAt ?? 'never'}; seen ${options.views.user(one.row.username)?.lastSeenAt ?? 'never'}`,
        ]),
      ),
    }),
    item(
      'administrators',
      'Administrators without a second factor',
      ['1.1'],
      goodIf(local.length === 0),
      {
        'how many': administrators.length,
        'without single sign-on': local.length,
        ...Object.fromEntries(local.map(({ row }) => [row.username, signInOf(row)])),
      },
    ),
    item('named-tokens', 'Long-lived tokens of these people', ['1.5'], 'told', {
      tokens: tokens.count,
      'the last ends': tokens.last,
    }),
  ];
}
