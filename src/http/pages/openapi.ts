/** The API description (OpenAPI 3.1), made from the declared routes and the shapes they name. */

import { z } from 'zod';
import { deeds } from '../../../domain/approvals/proposal-words.ts';
import { namedShapes, Proposal } from '../../api/output.ts';
import { type ProblemCode, problemTable } from '../../api/problems.ts';
import { type DeclaredAnswer, Nothing, parametersOf, type Route } from '../route.ts';
import { exampleBody } from './examples.ts';
import '../../api/input.ts';
import '../../api/service.ts';

type JsonObject = Record<string, unknown>;

const components = '#/components/schemas/';

/** Every named shape as JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. */
function componentSchemas(): Record<string, JsonObject> {
  const { schemas } = z.toJSONSchema(namedShapes, { uri: (id) => components + id, io: 'input' });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => {
      const { $schema: _dialect, $id: _id, ...rest } = schema as JsonObject;
      return [id, rest];
    }),
  );
}

/** A shape where it is used: by name, or in place when it has none. */
function schemaOf(schema: z.ZodType): JsonObject {
  const id = namedShapes.get(schema)?.id;
  if (id !== undefined) return { $ref: components + id };
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as JsonObject;
  return rest;
}

function parametersFrom(schema: z.ZodType, place: 'path' | 'query'): JsonObject[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, value]) => ({
    name,
    in: place,
    required: place === 'path' || !value.safeParse(undefined).success,
    schema: schemaOf(value),
  }));
}

const takesBody = ({ method }: Route) => method !== 'GET';
const needsToken = ({ access }: Route) => access !== 'open';

/** Every code a route may answer: its own, and those that its kind has by itself. */
export function problemsOf(route: Route): ProblemCode[] {
  const api = route.path.startsWith('/api');
  const codes: ProblemCode[] = [
    ...(needsToken(route) ? (['token-missing', 'token-invalid'] as const) : []),
    ...(route.access === 'permitted' ? (['permission-missing'] as const) : []),
    ...(takesBody(route) ? (['body-too-large', 'media-type-unsupported'] as const) : []),
    'request-malformed',
    'source-throttled',
    ...(route.problems ?? []),
    ...(deeds[route.operationId] === undefined ? [] : (['approvals-full'] as const)),
    'internal-error',
    ...(api ? (['store-unavailable', 'position-not-reached'] as const) : []),
    'stopping',
  ];
  return [...new Set(codes)];
}

/** The door says at each 409 when to ask again; elsewhere a conflict stays one. */
const waits = (route: Route, status: number) =>
  [202, 423, 429, 503].includes(status) ||
  (status === 409 && problemsOf(route).includes('replacement-pending'));

const headers = (route: Route, status: number): JsonObject => ({
  ...(status === 401 ? { 'WWW-Authenticate': { schema: { type: 'string' } } } : {}),
  ...(waits(route, status)
    ? { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } }
    : {}),
  ...(status === 201 && route.access !== 'open'
    ? { Location: { schema: { type: 'string' } } }
    : {}),
  ...(status < 300 && takesBody(route) && route.path.startsWith('/api')
    ? { 'Gatebook-Position': { description: 'Opaque.', schema: { type: 'string' } } }
    : {}),
});

const withHeaders = (answer: JsonObject, found: JsonObject): JsonObject =>
  Object.keys(found).length === 0 ? answer : { ...answer, headers: found };

function answerOf({ description, body, type }: DeclaredAnswer): JsonObject {
  if (body !== undefined)
    return { description, content: { 'application/json': { schema: schemaOf(body) } } };
  if (type !== undefined)
    return { description, content: { [type]: { schema: { type: 'string' } } } };
  return { description };
}

const waitsForPeople =
  'Where several people approve: it waits for them, and is done by the last approval.';

/** A problem whose code is one of these. */
const problemWith = (codes: readonly ProblemCode[]): JsonObject => ({
  allOf: [
    { $ref: `${components}Problem` },
    { type: 'object', properties: { code: { enum: codes } }, required: ['code'] },
  ],
});

function responsesOf(route: Route): JsonObject {
  const responses = new Map<number, JsonObject>();
  for (const [status, declared] of Object.entries(route.answers))
    responses.set(Number(status), withHeaders(answerOf(declared), headers(route, Number(status))));
  if (deeds[route.operationId] !== undefined)
    responses.set(202, answerOf({ description: waitsForPeople, body: Proposal }));
  const byStatus = Map.groupBy(problemsOf(route), (code) => problemTable[code].status);
  for (const [status, codes] of byStatus) {
    const declared = responses.get(status);
    const content = { 'application/problem+json': { schema: problemWith(codes) } };
    const codeList = codes.map((code) => `\`${code}\``).join(', ');
    responses.set(
      status,
      declared === undefined
        ? withHeaders({ description: codeList, content }, headers(route, status))
        : {
            ...declared,
            description: `${declared.description as string} Or ${codeList}.`,
            content: { ...(declared.content as JsonObject), ...content },
          },
    );
  }
  return Object.fromEntries(
    [...responses].sort(([a], [b]) => a - b).map(([status, value]) => [String(status), value]),
  );
}

const positionHeader = {
  name: 'Gatebook-Position',
  in: 'header',
  required: false,
  description: 'From an earlier answer: wait until this node has read that far.',
  schema: { type: 'string' },
};
const preferHeader = {
  name: 'Prefer',
  in: 'header',
  required: false,
  description: '`wait=30`: wait that many seconds (at most 60) for a decision.',
  schema: { type: 'string' },
};

/** Who may call a route, in words. */
export function whoMay(route: Route): string {
  switch (route.access) {
    case 'open':
      return 'Anybody.';
    case 'registration':
      return 'Whoever holds the registrationToken, or the client certificate.';
    case 'certificate':
      return 'Whoever holds the client certificate, by TLS that ends here; no token stands for it.';
    case 'signed-in':
      return 'Any active user; another user’s things need the permission that the path names.';
    case 'permitted':
      return `${route.method === 'GET' ? 'read' : 'write'} on ${route.path}${
        route.own === undefined ? '' : ', or one’s own'
      }.`;
  }
}

function exampleOf(route: Route): JsonObject {
  const example = exampleBody(route);
  return example === undefined ? {} : { example };
}

/** Each one alone is enough. */
function securityOf({ access }: Route): JsonObject[] {
  if (access === 'open') return [];
  if (access === 'certificate') return [{ clientCertificate: [] }];
  return access === 'registration' ? [{ bearer: [] }, { clientCertificate: [] }] : [{ bearer: [] }];
}

function operationOf(route: Route): JsonObject {
  const takes = route.body !== undefined && route.body !== Nothing;
  const isDoor = route.answers[202] !== undefined;
  return {
    tags: [route.group],
    operationId: route.operationId,
    summary: route.summary,
    description: [route.description, `May: ${whoMay(route)}`].filter(Boolean).join('\n\n'),
    security: securityOf(route),
    parameters: [
      ...parametersFrom(route.params ?? Nothing, 'path'),
      ...parametersFrom(route.query ?? Nothing, 'query'),
      ...(needsToken(route) ? [positionHeader] : []),
      ...(isDoor ? [preferHeader] : []),
    ],
    ...(takes && route.body !== undefined
      ? {
          requestBody: {
            required: !route.body.safeParse({}).success,
            content: {
              'application/json': { schema: schemaOf(route.body), ...exampleOf(route) },
            },
          },
        }
      : {}),
    ...(route.upload === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [route.upload.mediaType]: { schema: { type: 'string' } } },
          },
        }),
    responses: responsesOf(route),
  };
}

/** The whole description. @throws when a path and its declared parameters disagree */
export function openApi(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const declared = parametersFrom(route.params ?? Nothing, 'path').map(({ name }) => name);
    if (declared.join() !== parametersOf(route.path).join())
      throw new Error(`${route.path} declares the parameters ${declared.join(', ') || 'none'}`);
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatebook',
      version,
      summary: 'A client registry: devices ask for access, a person grants it.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: componentSchemas(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'PASETO' },
        clientCertificate: { type: 'mutualTLS' },
      },
    },
  };
}
