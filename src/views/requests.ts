/** Requests for access, and knocks: attempts while the registry was locked. */
import type { AccessRow } from '../../projections/access.ts';
import type { RequestRow } from '../../projections/requests.ts';
import type { Personal } from '../credentials/personal-data.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Knock, Knocks } from '../registration/knocks.ts';
import type { ActivationViews } from './activations.ts';
import { hiddenNames, mapPageAsync, type Paging, paged, search, whenGiven } from './paging.ts';
import { opened, type PersonalField } from './personal-fields.ts';
import type { SharedKeys } from './shared-keys.ts';

/** Who approved the granting of a request. */
type ApprovalsOf = (requestId: string) => { by: string; at: string }[];

export interface RequestViewOptions {
  readonly rows: { readonly requests: Rows<RequestRow>; readonly access: Rows<AccessRow> };
  readonly personal: Pick<Personal, 'open'>;
  readonly knocks: Pick<Knocks, 'all'>;
}

/** A knock for a reader; its address is personal, as that of a request is. */
export const knockAsShown = (knock: Knock, seeing: boolean) =>
  seeing ? knock : { ...knock, source: null };

/** Rows as a reader sees them: who may not see personal data gets null in their place. */
function requestShown(
  { rows, personal }: Pick<RequestViewOptions, 'rows' | 'personal'>,
  activations: ActivationViews,
  sharedKeys: SharedKeys,
  approvalsOf: ApprovalsOf,
) {
  function activationsOf({ username, credentialId, status }: RequestRow) {
    if (status === 'pending') return activations.obstacles(username);
    if (status !== 'granted') return [];
    const state = rows.access.get(username);
    const active = state?.status === 'active' && state.credentialId === credentialId;
    return activations.of(username, credentialId, active);
  }

  return async (row: RequestRow, seeing: boolean) => {
    const open = (field: PersonalField) =>
      opened(personal, row.username, field, row[field], seeing);
    const [source, clientId, context] = await Promise.all([
      open('source'),
      open('clientId'),
      open('context'),
    ]);
    return {
      requestId: row.requestId,
      username: row.username,
      status: row.status,
      kind: row.kind,
      flow: row.flow,
      door: row.door,
      pairingId: row.pairingId,
      windowId: row.windowId,
      requestedAt: row.requestedAt,
      expiresAt: row.expiresAt,
      source: source as string | null,
      clientId: clientId as string | null,
      context: context as Record<string, string> | null,
      requestedRoles: [...row.requestedRoles],
      requestedPermissions: [...row.requestedPermissions],
      csr: row.csr && {
        publicKeyAlgorithm: row.csr.publicKeyAlgorithm,
        fingerprint: row.csr.fingerprint,
        ...sharedKeys(row.username, row.csr.fingerprint),
      },
      credentialId: row.credentialId,
      contested: row.conflictCount > 0,
      conflictCount: row.conflictCount,
      decision: row.decision,
      approvals: approvalsOf(row.requestId),
      activations: activationsOf(row),
    };
  };
}

export function createRequestViews(
  options: RequestViewOptions,
  activations: ActivationViews,
  sharedKeys: SharedKeys,
  approvalsOf: ApprovalsOf,
) {
  const { rows, knocks } = options;
  const hiddenName = hiddenNames();
  const requestOf = requestShown(options, activations, sharedKeys, approvalsOf);

  return {
    /** The row itself, for who weighs what its grant would come to. */
    requestRow: (requestId: string) => rows.requests.get(requestId),

    async request(requestId: string, seeing: boolean) {
      const row = rows.requests.get(requestId);
      return row && (await requestOf(row, seeing));
    },

    async requests(
      { status, q, ...page }: Paging & { status?: string | undefined; q?: string | undefined },
      seeing: boolean,
    ) {
      const where = [
        ...whenGiven(status, (is) => ({ column: 'status', is })),
        ...search(q, ['username', 'pairingId']),
      ];
      const found = await rows.requests.search({ ...page, where });
      return await mapPageAsync(found, (row) => requestOf(row, seeing));
    },

    knocks(query: Paging, seeing: boolean) {
      const page = paged(
        'knocks',
        knocks.all(),
        (knock) => hiddenName(`${knock.username} ${knock.source}`),
        query,
      );
      return { ...page, items: page.items.map((knock) => knockAsShown(knock, seeing)) };
    },
  };
}
