/** Events are for ever, and hold no secret: the keys of every one of them, written down. */
import * as fc from 'fast-check';
import { z } from 'zod';
import { ActivationEvent, activation } from '../../domain/activation.ts';
import { AdministratorsEvent } from '../../domain/administrators.ts';
import { PolicyEvent } from '../../domain/approvals/policy.ts';
import { ProposalEvent } from '../../domain/approvals/proposal.ts';
import { BackupEvent } from '../../domain/backup.ts';
import { client } from '../../domain/client/client.ts';
import { ClientEvent } from '../../domain/client/events.ts';
import { PersonEvent } from '../../domain/client/person.ts';
import { PreauthorizationEvent } from '../../domain/preauthorization.ts';
import { RevocationsEvent } from '../../domain/revocations.ts';
import { RoleEvent, role } from '../../domain/role.ts';
import { ScheduleEvent } from '../../domain/schedules/schedule.ts';
import { TokenEvent, token } from '../../domain/token.ts';
import { WindowEvent, window } from '../../domain/window.ts';
import * as any from '../support/any-client.ts';
import * as the from '../support/client.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('events');

const asked =
  'admits at by clientId context credentialId csr door expiresAt flow pairingId personalKeyId requestId requestedPermissions requestedRoles source username windowId';
const granted =
  'at by credentialId httpOfRoles preauthorizationId reason requestId rights username windowId';
const denied = 'at blockedUntil by reason requestId username windowId';
const changed = 'at by reason username';

/** Add an optional key when there must be one; never take one away, never rename one (SPEC 3). */
const keys: Readonly<Record<string, string>> = {
  RegistrationRequested: asked,
  RegistrationContested:
    'at by clientId door flow personalKeyId requestId source username windowId',
  RegistrationGranted: granted,
  RegistrationDenied: denied,
  RegistrationExpired: 'at by requestId username windowId',
  ReplacementRequested: asked,
  ReplacementGranted: granted,
  ReplacementDenied: denied,
  ReplacementExpired: 'at by requestId username windowId',
  ClientCreated:
    'at by credentialId foreignVerifierId httpLimit httpOfRoles reason rights username',
  AdministratorReset: 'at by credentialId reason rights username',
  AuthorizationChanged: 'at by httpOfRoles reason rights username',
  CredentialRotated: 'at by credentialId httpLimit namedTokens reason username',
  CertificateIssued: 'at by certificate credentialId csr notAfter serial username',
  CertificateTaken: 'at by credentialId serial username',
  CertificateContested: 'at by serial username',
  AccessSuspended: changed,
  AccessResumed: changed,
  AccessRevoked: changed,
  AccessReinstated: changed,
  AccessExpired: 'at by reason username',
  PersonSignedIn: 'at by credentialId issuer personId rights username',
  PersonBound: 'at by issuer personId username',
  AccessEnding: 'at by endsAt leadMs username',
  ClientErased: changed,
  RegistryUnlocked: 'at by limits schedule until windowId',
  RegistryLocked: 'at by turnedAwayCount windowId',
  ScheduleCreated: 'at by durationMs limits scheduleId timing tokenId',
  ScheduleSkipped: 'at by occurrence reason scheduleId',
  ScheduleCancelled: 'at by scheduleId',
  RoleDefined: 'at by description name permissions',
  RoleRemoved: 'at by name',
  PreauthorizationCreated: 'at by preauthorizationId terms',
  PreauthorizationUsed: 'at by credentialId csrFingerprint preauthorizationId requestId username',
  PreauthorizationWithdrawn: 'at by preauthorizationId reason',
  ProposalMade: 'at by needed proposalId proposed tokenId until',
  ProposalApproved: 'at by needed proposalId seedId tokenId',
  ProposalRejected: 'at by proposalId reason',
  ProposalExpired: 'at by proposalId',
  ProposalCarriedOut: 'answerId at by problem proposalId',
  ProposalCollected: 'at by proposalId tokenId',
  ApprovalsRequired: 'at by needed',
  TokenIssued: 'at by expiresAt generation httpLimit kind label loginGeneration tokenId username',
  TokenRevoked: 'at by tokenId username',
  RevocationListRenewed: 'at by renews',
  BackupTaken: 'at backupId by withKeys',
  LogRestored: 'at backupId by restoreId rootHash size takenAt withKeys',
  AdministratorRemovalReserved: 'at by revision username',
  CredentialActivated: 'at broker by credentialId username',
  CredentialDeactivated: 'at broker by credentialId sessionsClosed username',
};

const declared = [
  ClientEvent,
  WindowEvent,
  ScheduleEvent,
  RoleEvent,
  PreauthorizationEvent,
  ProposalEvent,
  PolicyEvent,
  TokenEvent,
  ActivationEvent,
  AdministratorsEvent,
  RevocationsEvent,
  BackupEvent,
  PersonEvent,
]
  .flatMap((union) => [...union.options] as z.ZodObject[])
  .map(({ shape }) => [
    (shape.type as z.ZodLiteral<string>).value,
    Object.keys((shape.data as z.ZodObject).shape)
      .sort()
      .join(' '),
  ]);

test('every event has just these keys', () => assert.equal(Object.fromEntries(declared), keys));

test('the nested parts too', () => {
  const shapeOf = (schema: unknown) => Object.keys((schema as z.ZodObject).shape).sort();
  const [unlocked] = WindowEvent.options;
  assert.equal(shapeOf(unlocked.shape.data.shape.limits), [
    'maxRequests',
    'note',
    'sources',
    'usernamePattern',
  ]);
  assert.equal(shapeOf(unlocked.shape.data.shape.by), ['kind', 'name']);
  const created = ClientEvent.options.find((option) => option.shape.type.value === 'ClientCreated');
  assert.equal(
    shapeOf((created as unknown as { shape: { data: z.ZodObject } }).shape.data.shape.rights),
    ['expiresAt', 'mqttClientId', 'mqttPublishPrefix', 'permissions', 'roles'],
  );
});

test('an event holds no boolean, and nothing that JSON would lose', () => {
  const json = JSON.stringify(
    z.toJSONSchema(
      z.union([
        ClientEvent,
        WindowEvent,
        ScheduleEvent,
        RoleEvent,
        TokenEvent,
        ActivationEvent,
        AdministratorsEvent,
        RevocationsEvent,
        PersonEvent,
      ]),
    ),
  );
  assert.not.match(json, /"type":"boolean"/);
});

const secrets = {
  password: 'hunter2',
  verifier: 'hunter2',
  key: 'hunter2',
  token: 'hunter2',
  secret: { deep: 'hunter2' },
};
const cause = { at: the.at, by: the.ada };
const anyCommand = fc.oneof(
  any.anyCommand.map((command) => [client, command] as const),
  fc.constantFrom(
    [
      token,
      {
        type: 'IssueToken',
        tokenId: the.id(1),
        username: the.username,
        label: null,
        kind: 'login',
        expiresAt: the.due,
        generation: 1,
        loginGeneration: 1,
        httpLimit: null,
        ...cause,
      },
    ] as const,
    [
      role,
      { type: 'DefineRole', name: 'press', permissions: [], description: null, ...cause },
    ] as const,
    [
      window,
      {
        type: 'UnlockRegistry',
        windowId: the.id(1),
        until: the.due,
        limits: { maxRequests: 1, usernamePattern: null, sources: [], note: null },
        ...cause,
      },
    ] as const,
    [
      activation,
      {
        type: 'RecordActivation',
        username: the.username,
        broker: 'embedded',
        credentialId: the.id(1),
        ...cause,
      },
    ] as const,
  ),
);

test('what a command carries beyond its own fields reaches no event', () =>
  fc.assert(
    fc.property(
      fc.array(any.anyEvent, { maxLength: 6 }),
      anyCommand,
      (history, [decider, command]) => {
        const carrying = { ...command, ...secrets } as never;
        const state =
          decider === client ? history.reduce(client.evolve, client.initial) : decider.initial;
        const decision = decider.decide(carrying, state as never);
        assert.not.match(JSON.stringify(decision), /hunter2/);
        if (decision.accepted)
          for (const event of decision.events)
            assert.equal(decider.Event.parse(event), event, 'a key that no schema declares');
      },
    ),
    { numRuns: 1_000 },
  ));

test.run();
