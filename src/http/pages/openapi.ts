/** The API description (OpenAPI 3.1), made from the declared routes and the shapes they name. */
import { z } from 'zod';
import { Nothing, parametersOf, type Route } from '../route.ts';
import { exampleBody } from './examples.ts';
import { needsToken, responsesOf } from './openapi-answers.ts';
import { componentSchemas, type JsonObject, schemaOf } from './openapi-schemas.ts';
import { groupWords, parameterWords } from './words-of-routes.ts';

const pathSchemas = ({ params }: Route): z.ZodType => params ?? Nothing;

function parametersFrom(
  { operationId }: Route,
  schema: z.ZodType,
  place: 'path' | 'query',
): JsonObject[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, value]) => {
    const { description = parameterWords(operationId, name), ...rest } = schemaOf(value, true);
    return {
      ...{ name, in: place, description },
      required: place === 'path' || !value.safeParse(undefined).success,
      schema: rest,
    };
  });
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
  description: 'wait=30: wait that many seconds (at most 60) for a decision.',
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
  return {
    tags: [route.group],
    operationId: route.operationId,
    summary: route.summary,
    description: [route.description, `May: ${whoMay(route)}`].filter(Boolean).join('\n\n'),
    security: securityOf(route),
    parameters: [
      ...parametersFrom(route, pathSchemas(route), 'path'),
      ...parametersFrom(route, route.query ?? Nothing, 'query'),
      ...(needsToken(route) ? [positionHeader] : []),
      ...(route.waits === true ? [preferHeader] : []),
    ],
    ...(takes && route.body !== undefined
      ? {
          requestBody: {
            required: !route.body.safeParse({}).success,
            content: {
              'application/json': { schema: schemaOf(route.body, true), ...exampleOf(route) },
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
    const declared = parametersFrom(route, pathSchemas(route), 'path').map(({ name }) => name);
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
    tags: [...new Set(routes.map(({ group }) => group))].map((name) => ({
      name,
      description: groupWords(name),
    })),
    paths,
    components: {
      schemas: componentSchemas(routes),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'PASETO' },
        clientCertificate: { type: 'mutualTLS' },
      },
    },
  };
}
