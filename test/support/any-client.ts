/** Any event of one client and any command to it, for properties. */
import * as fc from 'fast-check';
import type { Rights } from '../../domain/client/client.ts';
import type { ClientCommand, ClientCommandOf } from '../../domain/client/commands.ts';
import type { ClientEvent } from '../../domain/client/events.ts';
import { system } from '../../domain/values.ts';
import {
  ada,
  afterwards,
  at,
  challenger,
  clientKey,
  device,
  due,
  type Fact,
  first,
  firstWindow,
  id,
  later,
  nextWindow,
  plant,
  stranger,
  username,
} from './client.ts';

type Data<Type extends ClientEvent['type']> = Fact<Type>['data'];

/** Few values, so that what belongs together meets often. */
const some = <Value>(...values: readonly Value[]) => fc.constantFrom(...values);
const anyTime = some(at, later, due, afterwards);
const anyWindow = some(firstWindow, nextWindow);
const anyWindowOrNone = some(null, firstWindow, nextWindow);
const anyRequest = some(...[first, challenger, stranger].map(({ requestId }) => requestId));
const anyCredential = some(
  ...[first, challenger, stranger].map(({ credentialId }) => credentialId),
);
const anyReason = some(null, 'not ours', '');
const anyActor = some(device, ada, system);
const anyEnd = some(null, later, afterwards);
const plain = { noNullPrototype: true } as const;
const mayReadAll = { context: 'http' as const, resource: '/api/#', operation: 'read' as const };
const anyRights: fc.Arbitrary<Rights> = fc.record(
  {
    roles: fc.subarray(['press', 'oven', 'administrator']),
    permissions: fc.subarray([plant, mayReadAll]),
    mqttPublishPrefix: some(null, 'hall/'),
    mqttClientId: some(null, 'c1'),
    expiresAt: anyEnd,
  },
  plain,
);
const caused = { username: some(username), at: anyTime, by: anyActor };
const reasoned = { ...caused, reason: anyReason };
const anyAsked = {
  ...caused,
  requestId: anyRequest,
  credentialId: anyCredential,
  windowId: anyWindow,
  flow: some('explicit' as const, 'implicit' as const),
  pairingId: some(null, '00ff00'),
  expiresAt: anyTime,
  personalKeyId: some(id(3), id(4)),
  source: some(null, 'sealed-source'),
  clientId: some(null, 'sealed-client'),
  context: some(null, 'sealed-context'),
  requestedRoles: fc.subarray(['press']),
  requestedPermissions: fc.subarray([plant]),
};
const { requestId, windowId, flow, personalKeyId: key, source, clientId } = anyAsked;
const anyGrant = {
  ...reasoned,
  requestId,
  credentialId: anyCredential,
  rights: anyRights,
  preauthorizationId: some(null),
};
const anyDenial = { ...reasoned, requestId, windowId: anyWindowOrNone, blockedUntil: anyEnd };

const anyIssued = {
  credentialId: anyCredential,
  csr: some(clientKey('a'), clientKey('b')),
  serial: some('4'.repeat(32), '5'.repeat(32)),
  notAfter: some('2026-01-02T00:00:00.000Z'),
  certificate: some('MIIB'),
};

const anyPerson = some('a'.repeat(64), 'b'.repeat(64));

const fact = <Type extends ClientEvent['type']>(
  type: Type,
  data: { [Name in keyof Data<Type>]: fc.Arbitrary<Data<Type>[Name]> },
) => fc.record(data, plain).map((values) => ({ type, data: values }) as unknown as Fact<Type>);

/** Any event of a client, also where it could not happen. */
export const anyEvent: fc.Arbitrary<ClientEvent> = fc.oneof(
  fact('RegistrationRequested', anyAsked),
  fact('RegistrationContested', {
    ...caused,
    requestId,
    windowId,
    flow,
    personalKeyId: key,
    source,
    clientId,
  }),
  fact('RegistrationGranted', anyGrant),
  fact('RegistrationDenied', anyDenial),
  fact('RegistrationExpired', { ...caused, requestId }),
  fact('ReplacementRequested', anyAsked),
  fact('ReplacementGranted', anyGrant),
  fact('ReplacementDenied', anyDenial),
  fact('ReplacementExpired', { ...caused, requestId }),
  fact('ClientCreated', { ...reasoned, credentialId: anyCredential, rights: anyRights }),
  fact('AdministratorReset', { ...reasoned, credentialId: anyCredential, rights: anyRights }),
  fact('AuthorizationChanged', { ...reasoned, rights: anyRights }),
  fact('CredentialRotated', { ...reasoned, credentialId: anyCredential }),
  fact('CertificateIssued', { ...caused, ...anyIssued }),
  fact('CertificateTaken', { ...caused, credentialId: anyCredential, serial: anyIssued.serial }),
  fact('CertificateContested', { ...caused, serial: anyIssued.serial }),
  fact('AccessSuspended', reasoned),
  fact('AccessResumed', reasoned),
  fact('AccessRevoked', reasoned),
  fact('AccessReinstated', reasoned),
  fact('AccessExpired', caused),
  fact('PersonSignedIn', {
    ...{ ...caused, personId: anyPerson, issuer: some('https://id.example') },
    ...{ credentialId: anyCredential, rights: anyRights },
  }),
  fact('AccessEnding', { ...caused, endsAt: anyTime, leadMs: some(86_400_000, 3_600_000) }),
  fact('ClientErased', reasoned),
);

const command = <Type extends ClientCommand['type']>(
  type: Type,
  data: Readonly<Record<Exclude<keyof ClientCommandOf<Type>, 'type'>, fc.Arbitrary<unknown>>>,
) =>
  fc
    .record(data as Readonly<Record<string, fc.Arbitrary<unknown>>>, plain)
    .map((values) => ({ type, ...values }) as unknown as ClientCommandOf<Type>);

const anyGiven = fc.record(
  {
    roles: fc.subarray(['press', 'oven']),
    permissions: fc.subarray([plant]),
    mqttPublishPrefix: some(null, 'hall/'),
    mqttClientId: some(null, 'c1'),
    expiresAt: some(null, afterwards),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const anyLimit = fc.option(fc.subarray([mayReadAll]));

/** Any command to a client. */
export const anyCommand: fc.Arbitrary<ClientCommand> = fc.oneof(
  {
    weight: 5,
    arbitrary: command('RequestRegistration', {
      ...anyAsked,
      matched: fc.oneof(some(null), anyCredential),
      csr: some(null, clientKey('a'), clientKey('b')),
      door: some(undefined, undefined, 'est'),
      windowId: anyWindowOrNone,
      gate: some('open', 'open', 'open', 'locked', 'filtered'),
      capacity: some('free', 'free', 'free', 'window-full', 'pending-full'),
      holdsHttpRights: fc.boolean(),
      preauthorized: fc.option(
        fc.record({
          preauthorizationId: anyRequest,
          effect: some('allow', 'ask'),
          rights: anyRights,
          keyAlone: fc.boolean(),
        }),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: command('GrantRegistration', {
      ...reasoned,
      requestId: anyRequest,
      rights: anyGiven,
      confirmContested: fc.boolean(),
      inBulk: fc.boolean(),
      holdsHttpRights: fc.boolean(),
      httpOfRoles: anyLimit,
    }),
  },
  command('IssueCertificate', { ...caused, ...anyIssued }),
  command('RenewCertificate', {
    ...{ ...caused, csr: anyIssued.csr, serial: anyIssued.serial, shown: anyIssued.serial },
    ...{ notAfter: anyIssued.notAfter, certificate: anyIssued.certificate },
  }),
  command('TakeCertificate', { ...caused, serial: anyIssued.serial }),
  command('ContestCertificate', { ...caused, serial: anyIssued.serial }),
  command('DenyRegistration', anyDenial),
  command('ExpireRegistration', { ...caused, requestId: anyRequest }),
  command('EndChallenge', { ...caused, windowId: anyWindowOrNone }),
  command('CreateClient', {
    ...reasoned,
    credentialId: anyCredential,
    rights: anyRights,
    httpLimit: anyLimit,
    httpOfRoles: anyLimit,
    foreignVerifierId: fc.option(anyCredential),
  }),
  command('ResetAdministrator', {
    ...reasoned,
    credentialId: anyCredential,
    windowId: anyWindowOrNone,
  }),
  command('ChangeAuthorization', {
    ...reasoned,
    rights: anyRights,
    windowId: anyWindowOrNone,
    holdsHttpRights: fc.boolean(),
    httpOfRoles: anyLimit,
  }),
  command('RotateCredential', {
    ...reasoned,
    credentialId: anyCredential,
    httpLimit: anyLimit,
    namedTokens: some('ended', 'kept'),
    windowId: anyWindowOrNone,
  }),
  command('SuspendAccess', { ...reasoned, windowId: anyWindowOrNone }),
  command('ResumeAccess', reasoned),
  command('RevokeAccess', { ...reasoned, windowId: anyWindowOrNone }),
  command('ReinstateAccess', reasoned),
  command('EraseClient', { ...reasoned, windowId: anyWindowOrNone }),
  command('SignInPerson', {
    ...{ ...caused, personId: anyPerson, issuer: some('https://id.example') },
    ...{ credentialId: anyCredential, rights: anyRights },
  }),
  command('EndPersonAccess', { ...caused, personId: anyPerson, reason: some('no group') }),
  command('ExpireAccess', { ...caused, windowId: anyWindowOrNone }),
  command('WarnOfEnd', { ...caused, endsAt: anyTime, leadMs: some(86_400_000, 3_600_000) }),
);
