/** Preauthorizations: who is let in, kept out or may ask without a window, said beforehand. */

import { couldFitName } from '../../../domain/pattern.ts';
import {
  ByPreauthorizationId,
  CreatePreauthorization,
  PreauthorizationsQuery,
} from '../../api/input.ts';
import {
  Preauthorization,
  PreauthorizationList,
  PreauthorizationWithCode,
} from '../../api/output.ts';
import type { Fault } from '../../api/problems.ts';
import type { App } from '../../app.ts';
import { commandContext, faultsUnlessAhead, found } from '../request/command-context.ts';
import { created, ok, type Route, removed, route } from '../route.ts';

const group = 'Preauthorizations';
const base = '/api/client-registry/preauthorizations';
const one = `${base}/{id}`;

const gives = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;

const rightsFields = ['roles', 'permissions', 'mqttPublishPrefix', 'mqttClientId', 'expiresAt'];

/** Faults of a rule that says what contradicts itself, or could never match. */
function contradictionsOf(body: unknown): Fault[] {
  const sent = CreatePreauthorization.safeParse(body);
  if (!sent.success) return [];
  const { effect = 'allow', usernamePattern, maxUses, enrolmentCode } = sent.data;
  const fault = (field: string, detail: string) => [{ pointer: `#/${field}`, detail }];
  const rights = rightsFields.flatMap((field) =>
    effect !== 'allow' && gives(sent.data[field as keyof typeof sent.data])
      ? fault(
          field,
          effect === 'deny'
            ? `${field} must be left out: a rule that denies gives nothing.`
            : `${field} must be left out: a rule that lets ask gives nothing, the person who grants does.`,
        )
      : [],
  );
  return [
    ...rights,
    ...(effect === 'deny' && maxUses !== undefined
      ? fault('maxUses', 'maxUses must be left out: a rule that denies counts no uses.')
      : []),
    ...(effect === 'deny' && enrolmentCode === true
      ? fault(
          'enrolmentCode',
          'enrolmentCode must be left out: nobody shows a code to be kept out.',
        )
      : []),
    ...(typeof usernamePattern === 'string' && !couldFitName(usernamePattern)
      ? fault(
          'usernamePattern',
          'usernamePattern fits no name: names have 3 to 128 of A-Z a-z 0-9 . _ @ : - and start with a letter or digit.',
        )
      : []),
  ];
}

/** A rule that is for names of people alone: they come in by the identity provider, and nobody by a rule. */
function personPatternFaultsOf(body: unknown, isPersonName: (name: string) => boolean): Fault[] {
  const sent = CreatePreauthorization.safeParse(body);
  const pattern = sent.success ? sent.data.usernamePattern : undefined;
  if (typeof pattern !== 'string' || !isPersonName(pattern)) return [];
  const detail =
    'usernamePattern ends as the names of people do who sign in at the identity provider: no rule reaches them.';
  return [{ pointer: '#/usernamePattern', detail }];
}

const readingRoutes = ({ views }: App): Route[] => [
  route({
    method: 'GET',
    path: base,
    group,
    operationId: 'listPreauthorizations',
    summary: 'Preauthorizations',
    access: 'permitted',
    query: PreauthorizationsQuery,
    answers: { 200: { description: 'Newest first.', body: PreauthorizationList } },
    handle: async ({ query }) => ok(await views.preauthorizations(query)),
  }),
  route({
    method: 'GET',
    path: one,
    group,
    operationId: 'showPreauthorization',
    summary: 'One preauthorization',
    access: 'permitted',
    params: ByPreauthorizationId,
    answers: { 200: { description: 'The preauthorization.', body: Preauthorization } },
    problems: ['preauthorization-not-found'],
    handle: ({ params }) =>
      ok(found(views.preauthorization(params.id), 'preauthorization-not-found')),
  }),
];

const changingRoutes = ({ administration, views, now, isPersonName }: App): Route[] => [
  route({
    method: 'POST',
    path: base,
    group,
    operationId: 'createPreauthorization',
    summary: 'Let in, keep out or let ask, beforehand',
    description:
      'With an enrolment code or the fingerprint of a key it works while locked; without, in open windows alone. It reaches names alone that nobody holds, and never gives HTTP rights.',
    access: 'permitted',
    body: CreatePreauthorization,
    faults: (body) => [
      ...faultsUnlessAhead(body, 'until', now()),
      ...faultsUnlessAhead(body, 'expiresAt', now()),
      ...contradictionsOf(body),
      ...personPatternFaultsOf(body, isPersonName),
    ],
    answers: { 201: { description: 'The new one.', body: PreauthorizationWithCode } },
    problems: ['rights-exceed-own', 'role-not-found'],
    async handle(request) {
      const made = await administration.createPreauthorization(
        commandContext(request),
        request.body,
      );
      const { preauthorizationId: id, enrolmentCode } = made;
      const shown = found(views.preauthorization(id), 'preauthorization-not-found');
      return created(made, `${base}/${id}`, { ...shown, enrolmentCode });
    },
  }),
  route({
    method: 'DELETE',
    path: one,
    group,
    operationId: 'withdrawPreauthorization',
    summary: 'Withdraw a preauthorization',
    description: 'Whom it let in stays: revoke them by themselves.',
    access: 'permitted',
    params: ByPreauthorizationId,
    answers: { 204: { description: 'It opens nothing any more.' } },
    problems: ['preauthorization-not-found'],
    handle: async (request) =>
      removed(
        await administration.withdrawPreauthorization(commandContext(request), request.params.id),
      ),
  }),
];

export const preauthorizationRoutes = (app: App): Route[] => [
  ...readingRoutes(app),
  ...changingRoutes(app),
];
