/** Assembles what administrators do; each noun has its file with the checks that reach beyond one aggregate. */
import { type ApprovalAdministrationOptions, createApprovalAdministration } from './approvals.ts';
import { createBackupAdministration } from './backups.ts';
import { type ClientChangesOptions, createClientChanges } from './client-changes.ts';
import {
  type CredentialAdministrationOptions,
  createCredentialAdministration,
} from './credentials.ts';
import { createKeyAdministration, type KeyAdministrationOptions } from './keys.ts';
import {
  createPreauthorizationAdministration,
  type PreauthorizationAdministrationOptions,
} from './preauthorizations.ts';
import { createRequestAdministration, type RequestAdministrationOptions } from './requests.ts';
import { createRoleAdministration, type RoleAdministrationOptions } from './roles.ts';
import { createScheduleAdministration, type ScheduleAdministrationOptions } from './schedules.ts';
import { createTokenAdministration, type TokenAdministrationOptions } from './tokens/tokens.ts';
import { createUserImport, type UserImportOptions } from './user-import.ts';
import { createUserAdministration, type UserAdministrationOptions } from './users.ts';
import { createWindowAdministration, type WindowAdministrationOptions } from './window.ts';

type AdministrationOptions = ClientChangesOptions &
  WindowAdministrationOptions &
  ScheduleAdministrationOptions &
  RequestAdministrationOptions &
  PreauthorizationAdministrationOptions &
  ApprovalAdministrationOptions &
  CredentialAdministrationOptions &
  UserAdministrationOptions &
  UserImportOptions &
  RoleAdministrationOptions &
  KeyAdministrationOptions &
  TokenAdministrationOptions;

export type Administration = ReturnType<typeof createAdministration>;

export function createAdministration(options: AdministrationOptions) {
  const changes = createClientChanges(options);
  return {
    ...createWindowAdministration(options),
    ...createScheduleAdministration(options),
    ...createRequestAdministration(options, changes),
    ...createPreauthorizationAdministration(options),
    ...createApprovalAdministration(options),
    ...createCredentialAdministration(options, changes),
    ...createUserAdministration(options, changes),
    ...createUserImport(options, changes),
    ...createRoleAdministration(options, changes),
    ...createTokenAdministration(options),
    ...createKeyAdministration(options),
    ...createBackupAdministration(options),
  };
}
