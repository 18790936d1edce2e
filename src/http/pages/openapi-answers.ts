/** The answers of each route in the API description: what it says, and every problem that it may have. */
import { deeds } from '../../../domain/approvals/proposal-words.ts';
import { Proposal } from '../../api/output.ts';
import { type ProblemCode, problemTable, waits } from '../../api/problems.ts';
import type { DeclaredAnswer, Route } from '../route.ts';
import { type JsonObject, referenceTo, schemaOf } from './openapi-schemas.ts';

const takesBody = ({ method }: Route) => method !== 'GET';
export const needsToken = ({ access }: Route) => access !== 'open';
const isCommand = ({ method, path }: Route) => method !== 'GET' && path.startsWith('/api');

/** What a deed comes to is the same whenever it is weighed: it is never refused for having changed. */
const staysTheSame: ReadonlySet<string> = new Set([
  ...['unlock', 'createSchedule', 'rotateKeys', 'reconcileBroker', 'importPreauthorizations'],
]);

function problemsOfDeed({ operationId }: Route): ProblemCode[] {
  if (deeds[operationId] === undefined) return [];
  return staysTheSame.has(operationId)
    ? ['approvals-full']
    : ['approvals-full', 'approval-changed'];
}

/** Every code a route may answer: its own, and those that its kind has by itself. */
export function problemsOf(route: Route): ProblemCode[] {
  const isOfApi = route.path.startsWith('/api');
  const codes: ProblemCode[] = [
    ...(needsToken(route) ? (['token-missing', 'token-invalid'] as const) : []),
    ...(route.access === 'permitted' ? (['permission-missing'] as const) : []),
    ...(takesBody(route) ? (['body-too-large', 'media-type-unsupported'] as const) : []),
    'request-malformed',
    'source-throttled',
    ...(route.problems ?? []),
    ...problemsOfDeed(route),
    'internal-error',
    'transfer-coding-unsupported',
    ...(isOfApi ? (['store-unavailable'] as const) : []),
    // Also of what was done and cannot be read yet, whoever did it.
    ...(isOfApi || takesBody(route) ? (['position-not-reached'] as const) : []),
    'stopping',
  ];
  return [...new Set(codes)];
}

const header = (type: 'string' | 'integer', description: string, required = true): JsonObject => ({
  ...{ required, description, schema: { type } },
});

const retryAfter = 'Seconds after which to ask again.';

/** Headers of every answer with that status. `codes`: of its problems. */
function headersOf(route: Route, status: number, codes: readonly ProblemCode[]): JsonObject {
  const isGood = route.answers[status] !== undefined || status === 202;
  // Whose answer was lost on its way may have it again, a little later.
  const isWaiting =
    status === 202 || codes.some((code) => waits(code) || code === 'approval-ended');
  // Who is refused for good is told no time: only where every answer has one is it required.
  const isAlways = codes.every((code) => waits(code) || code === 'username-taken');
  return {
    ...(status === 401 && {
      'WWW-Authenticate': header('string', 'How to sign in: `Bearer`, or `Basic` at the door.'),
    }),
    ...(isWaiting && { 'Retry-After': header('integer', retryAfter, isAlways) }),
    ...(status === 201 && { Location: header('string', 'The path of what was made.') }),
    ...(isGood &&
      isCommand(route) &&
      status < 300 && {
        'Gatebook-Position': header(
          'string',
          'How far a read must be to see what this did: send it back with the next read, at any node.',
        ),
      }),
  };
}

/** Headers that a route declares itself. */
const ownHeaders = (headers: DeclaredAnswer['headers'] = {}): JsonObject =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, header('string', description)]),
  );

const isJson = (type: string) => /\bjson$/.test(type);
const isText = (type: string) => type.startsWith('text/') || type.includes('pem');

/** Text, bytes, or a document whose form is another's. */
const mediaSchema = (type: string): JsonObject => {
  if (isJson(type)) return { type: 'object' };
  return isText(type) ? { type: 'string' } : { type: 'string', format: 'binary' };
};

function contentOf({ body, type = [] }: DeclaredAnswer): JsonObject {
  return {
    ...(body !== undefined && { 'application/json': { schema: schemaOf(body, false) } }),
    ...Object.fromEntries([type].flat().map((one) => [one, { schema: mediaSchema(one) }])),
  };
}

/** A problem whose code is one of these. */
const problemWith = (codes: readonly ProblemCode[]): JsonObject => ({
  allOf: [
    referenceTo('Problem'),
    {
      type: 'object',
      properties: { code: { enum: codes, description: 'What happened, for programs.' } },
      required: ['code'],
    },
  ],
});

const problemContent = ({ tells }: Route, codes: readonly ProblemCode[]): JsonObject =>
  tells === 'text'
    ? { 'text/plain': { schema: mediaSchema('text/plain') } }
    : { 'application/problem+json': { schema: problemWith(codes) } };

const waitsForPeople: DeclaredAnswer = {
  description: 'Where several people approve: it waits for them, and is done by the last approval.',
  body: Proposal,
  headers: { Location: 'The path of the proposal.' },
};

const withDeed = ({ answers, operationId }: Route): Route['answers'] =>
  deeds[operationId] === undefined ? answers : { ...answers, 202: waitsForPeople };

function responseOf(
  route: Route,
  status: number,
  declared: DeclaredAnswer | undefined,
  codes: readonly ProblemCode[],
): JsonObject {
  const headers = { ...headersOf(route, status, codes), ...ownHeaders(declared?.headers) };
  const content = {
    ...(declared === undefined ? {} : contentOf(declared)),
    ...(codes.length > 0 && problemContent(route, codes)),
  };
  const names = codes.map((code) => `\`${code}\``).join(', ');
  const words = declared?.description ?? '';
  return {
    description: [words, words && names ? `Or ${names}.` : names].filter(Boolean).join(' '),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(content).length > 0 && { content }),
  };
}

/** By status. */
export function responsesOf(route: Route): JsonObject {
  const declared = withDeed(route);
  const byStatus = Map.groupBy(problemsOf(route), (code) => problemTable[code].status);
  const statuses = new Set([...Object.keys(declared).map(Number), ...byStatus.keys()]);
  return Object.fromEntries(
    [...statuses]
      .sort((one, other) => one - other)
      .map((status) => [
        String(status),
        responseOf(route, status, declared[status], byStatus.get(status) ?? []),
      ]),
  );
}
