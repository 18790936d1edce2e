/** Preauthorizations as the API shows them: what they say, how often they were used, and whether they still stand. */
import {
  type PreauthorizationStatus,
  preauthorizationStatus,
} from '../../domain/preauthorization.ts';
import type { PreauthorizationRow } from '../../projections/preauthorizations.ts';
import type { Condition } from '../read-models/condition-sql.ts';
import type { Rows } from '../read-models/row-table.ts';
import { mapPage, type Paging } from './paging.ts';

export interface PreauthorizationViewOptions {
  readonly rows: { readonly preauthorizations: Rows<PreauthorizationRow> };
  readonly now: () => string;
}

export function createPreauthorizationViews({ rows, now }: PreauthorizationViewOptions) {
  function shown(row: PreauthorizationRow) {
    const { terms, useCount, withdrawnAt } = row;
    const { rights, enrolmentCodeId, ...conditions } = terms;
    const isWithdrawn = withdrawnAt !== null;
    return {
      ...rights,
      ...conditions,
      preauthorizationId: row.preauthorizationId,
      hasEnrolmentCode: enrolmentCodeId !== null,
      useCount,
      createdBy: row.createdBy,
      createdAt: row.createdAt,
      status: preauthorizationStatus({ terms, useCount, isWithdrawn }, now()),
    };
  }

  function withStatus(status: PreauthorizationStatus): Condition[] {
    switch (status) {
      case 'withdrawn':
      case 'used':
        return [{ column: 'state', is: status }];
      case 'ended':
        return [
          { column: 'state', is: 'open' },
          { column: 'until', below: now() },
        ];
      case 'active':
        return [
          { column: 'state', is: 'open' },
          { column: 'until', atLeast: now() },
        ];
    }
  }

  return {
    preauthorization(id: string) {
      const row = rows.preauthorizations.get(id);
      return row && shown(row);
    },

    preauthorizations: async ({
      status,
      createdBy,
      ...page
    }: Paging & {
      readonly status?: PreauthorizationStatus | undefined;
      readonly createdBy?: string | undefined;
    }) =>
      mapPage(
        await rows.preauthorizations.search({
          ...page,
          where: [
            ...(status === undefined ? [] : withStatus(status)),
            ...(createdBy === undefined ? [] : [{ column: 'createdBy', is: createdBy }]),
          ],
        }),
        shown,
      ),
  };
}
