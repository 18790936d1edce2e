/** Builds both doors: who asks for access, by REST or MQTT, and what bounds and counts them. */

import { registryId } from '../../domain/window.ts';
import type { AccessRow } from '../../projections/access.ts';
import type { Authority } from '../authority.ts';
import type { Staged } from '../broker/ports/broker.ts';
import type { Clients } from '../commands/client-commands.ts';
import { clientsAtHand } from '../commands/clients-at-hand.ts';
import { rowsAtHand } from '../commands/rows-at-hand.ts';
import { personNameTest } from '../config/sso.ts';
import type { LiveEvents } from '../notifications/live-events.ts';
import type { OperatorLog } from '../notifications/operator-log.ts';
import type { SourceThrottle } from '../platform/source-throttle.ts';
import type { RowsOf } from '../read-models/all.ts';
import type { DoorAnswer } from '../registration/answers.ts';
import type { RegistrationAttemptOptions } from '../registration/attempt.ts';
import { createCapacity } from '../registration/capacity.ts';
import type { DoorAttempt } from '../registration/door-attempt.ts';
import { createKnocks, type Knocks } from '../registration/knocks.ts';
import {
  createKnownLogins,
  type KnownLogin,
  type KnownLogins,
} from '../registration/known-logins.ts';
import { createLongPolls } from '../registration/long-polls.ts';
import { watchMovedIn } from '../registration/moved-in.ts';
import { createPreauthorizations } from '../registration/preauthorizations.ts';
import { createRegistration } from '../registration/registration.ts';
import { createRegistrationTokens, type RegistrationTokens } from '../registration/tokens.ts';
import type { AppliedListeners } from './applied-listeners.ts';
import type { Credentials } from './credentials.ts';
import type { ServiceOptions } from './service.ts';

export type Doors = ReturnType<typeof buildDoors>;

interface DoorParts {
  readonly credentials: Credentials;
  readonly rows: RowsOf;
  readonly authority: Authority;
  /** Changes to clients that wait for the embedded broker alone. */
  readonly clients: Clients;
  readonly applied: AppliedListeners;
  readonly liveEvents: LiveEvents;
  readonly operatorLog: Pick<OperatorLog, 'commandFrom'>;
  readonly throttles: { readonly sources: SourceThrottle; readonly names: SourceThrottle };
}

export function buildDoors(options: ServiceOptions, parts: DoorParts) {
  const { config, metrics, readModels, now } = options;
  const { credentials, rows, authority, clients, applied } = parts;
  const { personal, vault, proofs, seen, tokens, pace } = credentials;
  const knocks = createKnocks(
    (knock) => parts.liveEvents.knocked(knock),
    () => rows.window.get(registryId)?.windowId ?? null,
  );
  applied.as('knocks')((events) => {
    for (const { type, data } of events)
      if (type === 'ClientErased') knocks.forget(String(data.username));
  });
  const capacity = createCapacity({
    requests: rows.requests,
    onApplied: applied.as('capacity'),
    openSource: async ({ username, source }) =>
      (await personal.open(username, 'source', source)) as string | null,
    pendingMax: config.pendingMax,
    pendingPerSourceMax: config.pendingPerSourceMax,
  });
  const rules = createPreauthorizations({
    ...{ store: options.store, authority, rows, now, atHand: rowsAtHand(readModels) },
    enrolmentCodeId: credentials.passwords.enrolmentCodeId,
    onApplied: applied.as('preauthorizations'),
  });
  const logins = createKnownLogins({
    ...{ access: rows.access, authority, now, onApplied: applied.as('known-logins') },
    openVerifier: vault.open,
    logger: options.logger,
  });
  const requestTokens = createRegistrationTokens(tokens, now, applied.as('registration-tokens'));
  const registration = createRegistration({
    ...{ authority, proofs, seen, pace, personal, vault, rows, knocks, capacity, clients, now },
    ...{ logins, rules, onRequesting: beginning(requestTokens) },
    atHand: clientsAtHand(readModels),
    isPersonName: personNameTest(config.sso),
    position: () => readModels.position(),
    throttles: {
      sources: parts.throttles.sources,
      // No limit of attempts per source lifts this one at the doors, too; a login keeps it.
      names: config.sourceAttemptsPerMinute === 0 ? null : parts.throttles.names,
    },
    pendingTtlMs: config.pendingTtlMs,
    inTouch: options.inTouch,
    onOutcome: (flow, outcome) => metrics.registrations.inc({ flow, outcome }),
    // Of a login that records nothing nobody needs to know where it came from.
    onDeciding: ({ source }, { correlationId }) =>
      parts.operatorLog.commandFrom(correlationId, source),
    onKnock: (flow) => metrics.knocks.inc({ flow }),
    onProven: stagingFor(rows.access, logins, options.stage),
  });
  const movedIn = watchMovedIn({
    ...{ access: rows.access, foreign: credentials.foreign, logger: options.logger },
    onApplied: applied.as('foreign-verifiers'),
  });
  return {
    ...{ knocks, capacity, rules, logins },
    /** Once the rows are as far as the log: what the doors have to know before they open. */
    async begin(): Promise<void> {
      await capacity.countWaiting();
      await movedIn.begin();
    },
    turnedAway: turnedAwaySince(now(), rows, knocks),
    registration: {
      ...registration,
      ...requestTokens,
      ...createLongPolls(applied.as('long-polls')),
    },
  };
}

/** Has a token signed for who is told it: no other door tells one. */
const beginning =
  ({ begin }: RegistrationTokens): NonNullable<RegistrationAttemptOptions['onRequesting']> =>
  (request, { flow, door }) => {
    if (flow === 'explicit' && door === undefined) begin(request);
  };

/** Hands a proven password on to the brokers, where a request or a grant names its credential. */
const stagingFor =
  (access: RowsOf['access'], logins: KnownLogins, stage: (staged: Staged) => void) =>
  ({ username, password }: DoorAttempt, answer: DoorAnswer): void => {
    if (password === null) return;
    const credentialId =
      answer.kind === 'granted'
        ? openedByPassword(logins.active(username), answer)
        : waitingCredential(access.get(username));
    if (credentialId !== undefined) stage({ username, password, credentialId });
  };

/** A password beside a key opens nothing, at no broker. */
const openedByPassword = (
  login: KnownLogin | undefined,
  { credentialId }: Extract<DoorAnswer, { kind: 'granted' }>,
): string | undefined => (login?.passwordOpens === true ? credentialId : undefined);

const waitingCredential = (row: AccessRow | undefined): string | undefined =>
  row?.status === 'pending' && row.waiting.key === null ? row.waiting.credentialId : undefined;

/** Null where this node was not there from the window's beginning: a part is no count. */
const turnedAwaySince = (startedAt: string, rows: RowsOf, knocks: Knocks) => () => {
  const row = rows.window.get(registryId);
  return row === undefined || row.unlockedAt < startedAt ? null : knocks.turnedAway(row.windowId);
};
