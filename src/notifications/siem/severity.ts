/** How loud an event is at a SIEM, in syslog's words (RFC 5424, section 6.2.1). */

const warning = 4;
const notice = 5;
const informational = 6;

/** What somebody may have to look into. */
const warnings = [
  ...['RegistrationContested', 'ReplacementRequested', 'CertificateContested'],
  ...['AccessRevoked', 'AdministratorRemovalReserved', 'AdministratorReset', 'LogRestored'],
];

/** What people decided: who may come in, and what they may. */
const notices = [
  ...['RegistryUnlocked', 'RegistryLocked', 'ScheduleCreated', 'ScheduleCancelled'],
  ...['RegistrationGranted', 'RegistrationDenied', 'ReplacementGranted', 'ReplacementDenied'],
  ...['ClientCreated', 'ClientErased', 'AuthorizationChanged', 'CredentialRotated'],
  ...['AccessSuspended', 'AccessResumed', 'AccessReinstated', 'PersonBound'],
  ...['PreauthorizationCreated', 'PreauthorizationWithdrawn', 'ApprovalsRequired'],
  ...['ProposalMade', 'ProposalApproved', 'ProposalRejected', 'ProposalCarriedOut'],
  ...['RoleDefined', 'RoleRemoved', 'TokenIssued', 'TokenRevoked', 'BackupTaken'],
];

/** Types of events that are more than information. */
export const severities: ReadonlyMap<string, number> = new Map([
  ...warnings.map((type) => [type, warning] as const),
  ...notices.map((type) => [type, notice] as const),
]);

export const severityOf = (type: string): number => severities.get(type) ?? informational;
