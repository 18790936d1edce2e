/** Rows as the API returns them: joined, personal fields decrypted for those who may read them, without secrets. */
import { registryId } from '../../domain/window.ts';
import type { WindowRow } from '../../projections/window.ts';
import type { Rows } from '../read-models/row-table.ts';
import type { Knocks } from '../registration/knocks.ts';
import { type ActivationViewOptions, createActivationViews } from './activations.ts';
import { type ApprovalViewOptions, createApprovalViews } from './approvals.ts';
import { createErasureViews, type ErasureViewOptions } from './erasures.ts';
import { createEventViews, type EventViewOptions } from './events.ts';
import { createGrantedViews, type GrantedViewOptions } from './granted.ts';
import {
  createPreauthorizationViews,
  type PreauthorizationViewOptions,
} from './preauthorizations.ts';
import { createRequestViews, type RequestViewOptions } from './requests.ts';
import { createRoleViews, type RoleViewOptions } from './roles.ts';
import { createScheduleViews, type ScheduleViewOptions } from './schedules.ts';
import { createSessionViews, type SessionViewOptions } from './sessions.ts';
import { createSharedKeys, type SharedKeyOptions } from './shared-keys.ts';
import { createTokenViews, type TokenViewOptions } from './tokens.ts';
import { createUserViews, type UserViewOptions } from './users/users.ts';
import { windowAt } from './window.ts';

interface WindowViewOptions {
  readonly knocks: Pick<Knocks, 'size'>;
  readonly rows: { readonly window: Rows<WindowRow> };
  readonly pendingCount: () => number;
  readonly now: () => string;
}

type ViewOptions = WindowViewOptions &
  ScheduleViewOptions &
  PreauthorizationViewOptions &
  ApprovalViewOptions &
  RequestViewOptions &
  UserViewOptions &
  SessionViewOptions &
  GrantedViewOptions &
  RoleViewOptions &
  TokenViewOptions &
  EventViewOptions &
  ErasureViewOptions &
  SharedKeyOptions &
  ActivationViewOptions;

export type Views = ReturnType<typeof createViews>;

export function createViews(options: ViewOptions) {
  const { rows, knocks, now } = options;
  const activations = createActivationViews(options);
  const sharedKeys = createSharedKeys(options);
  const approvals = createApprovalViews(options);
  return {
    window: () =>
      windowAt(rows.window.get(registryId), now(), {
        pendingCount: options.pendingCount(),
        knockCount: knocks.size(),
      }),
    ...createScheduleViews(options),
    ...createRequestViews(options, activations, sharedKeys, approvals.approvalsOf),
    ...createPreauthorizationViews(options),
    ...approvals,
    ...createUserViews(options, activations, sharedKeys),
    ...createSessionViews(options),
    ...createGrantedViews(options),
    ...createRoleViews(options),
    ...createTokenViews(options),
    ...createEventViews(options),
    ...createErasureViews(options),
  };
}
