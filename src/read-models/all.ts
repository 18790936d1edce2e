/** The read models of the service, in the order they are shown. */
import { activations } from '../../projections/activations.ts';
import { certificates } from '../../projections/certificates.ts';
import { clients } from '../../projections/clients.ts';
import { history } from '../../projections/history.ts';
import { keys } from '../../projections/keys.ts';
import { policyRows } from '../../projections/policy.ts';
import { preauthorizations } from '../../projections/preauthorizations.ts';
import { proposalRows } from '../../projections/proposals.ts';
import { requests } from '../../projections/requests.ts';
import { revocationRenewals } from '../../projections/revocations.ts';
import { roles } from '../../projections/roles.ts';
import { schedules } from '../../projections/schedules.ts';
import { tokens } from '../../projections/tokens.ts';
import { windowProjection } from '../../projections/window.ts';
import { merkleTree } from '../audit/transparency-log/tree.ts';
import type { ReadModels } from './read-models.ts';
import type { Rows } from './row-table.ts';

export const allProjections = [
  windowProjection,
  requests,
  clients,
  roles,
  schedules,
  tokens,
  preauthorizations,
  proposalRows,
  policyRows,
  activations,
  certificates,
  keys,
  revocationRenewals,
  history,
] as const;

/** Those that are no fold of one row. */
export const allCustomProjections = [merkleTree] as const;

function partOfRows<Row, Part>(rows: Rows<Row>, part: (row: Row) => Part): Rows<Part> {
  const inAll = <Page extends { readonly items: readonly Row[] }>(page: Page) => ({
    ...page,
    items: page.items.map(part),
  });
  return {
    get(key) {
      const row = rows.get(key);
      return row && part(row);
    },
    find: (query) => inAll(rows.find(query)),
    between: (range) => inAll(rows.between(range)),
    search: async (query, limits) => inAll(await rows.search(query, limits)),
    count: (where, atMost) => rows.count(where, atMost),
    greatest: (column) => rows.greatest(column),
    counts: rows.counts,
  };
}

export const rowsOf = (readModels: ReadModels) => ({
  window: readModels.rows(windowProjection),
  requests: readModels.rows(requests),
  clients: readModels.rows(clients),
  access: partOfRows(readModels.rows(clients), ({ state }) => state),
  roles: readModels.rows(roles),
  schedules: readModels.rows(schedules),
  tokens: readModels.rows(tokens),
  preauthorizations: readModels.rows(preauthorizations),
  proposals: readModels.rows(proposalRows),
  policy: readModels.rows(policyRows),
  activations: readModels.rows(activations),
  certificates: readModels.rows(certificates),
  keys: readModels.rows(keys),
  revocationRenewals: readModels.rows(revocationRenewals),
  history: readModels.rows(history),
});

export type RowsOf = ReturnType<typeof rowsOf>;
