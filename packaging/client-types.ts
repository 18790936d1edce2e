/** The types of every route, from the API's description, in the form that openapi-fetch reads. */
import type { App } from '../src/app.ts';
import { openApi } from '../src/http/pages/openapi.ts';
import { allRoutes } from '../src/http/server.ts';

type Json = { readonly [key: string]: unknown };

const quoted = (text: string): string =>
  `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));
const literal = (value: unknown): string =>
  typeof value === 'string' ? quoted(value) : JSON.stringify(value);
const union = (types: readonly string[]): string => [...new Set(types)].join(' | ') || 'never';

/** JSON Schema 2020-12 as a type of TypeScript; what a type cannot say (lengths, patterns) is left out. */
function typeOf(schema: Json): string {
  if (typeof schema.$ref === 'string')
    return `schemas[${quoted(schema.$ref.split('/').at(-1) ?? '')}]`;
  if ('const' in schema) return literal(schema.const);
  if (Array.isArray(schema.enum)) return union(schema.enum.map(literal));
  const choices = (schema.anyOf ?? schema.oneOf) as Json[] | undefined;
  if (choices !== undefined) return `(${union(choices.map(typeOf))})`;
  if (Array.isArray(schema.allOf)) return `(${schema.allOf.map(typeOf).join(' & ')})`;
  if (Array.isArray(schema.type))
    return `(${union(schema.type.map((type) => typeOf({ ...schema, type })))})`;
  switch (schema.type) {
    case 'object':
      return objectType(schema);
    case 'array':
      return `(${typeOf((schema.items as Json | undefined) ?? {})})[]`;
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    default:
      return 'unknown';
  }
}

function objectType(schema: Json): string {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const required = (schema.required ?? []) as string[];
  if (properties.length === 0) {
    const values = schema.additionalProperties;
    return typeof values === 'object' && values !== null
      ? `{ [name: string]: ${typeOf(values as Json)} }`
      : 'Record<string, never>';
  }
  return block(
    properties.map(([name, value]) => [
      `${documented(value.description)}${key(name)}${required.includes(name) ? '' : '?'}`,
      typeOf(value),
    ]),
  );
}

const documented = (description: unknown): string =>
  typeof description === 'string' ? `/** ${description.replaceAll('*/', '*\\/')} */\n` : '';

const block = (members: readonly (readonly [name: string, type: string])[]): string =>
  `{\n${members.map(([name, type]) => `${name}: ${type};`).join('\n')}\n}`;

function contentType(content: unknown): string {
  return block(
    Object.entries((content ?? {}) as Record<string, { schema: Json }>).map(
      ([type, { schema }]) => [quoted(type), typeOf(schema)],
    ),
  );
}

function operationType(operation: Json): string {
  const parameters = operation.parameters as (Json & { schema: Json })[];
  const places = (['query', 'header', 'path'] as const).map((place) => {
    const here = parameters.filter((one) => one.in === place);
    const members = here.map(
      ({ name, required, schema }) =>
        [`${key(String(name))}${required === true ? '' : '?'}`, typeOf(schema)] as const,
    );
    const isNeeded = here.some(({ required }) => required === true);
    return here.length === 0
      ? ([`${place}?`, 'never'] as const)
      : ([`${place}${isNeeded ? '' : '?'}`, block(members)] as const);
  });
  const requestBody = operation.requestBody as (Json & { content: Json }) | undefined;
  const responses = Object.entries(operation.responses as Record<string, Json>).map(
    ([status, { content }]) =>
      [
        status,
        block([
          ['headers', '{ [name: string]: unknown }'],
          content === undefined ? ['content?', 'never'] : ['content', contentType(content)],
        ]),
      ] as const,
  );
  return block([
    ['parameters', block([...places, ['cookie?', 'never']])],
    requestBody === undefined
      ? ['requestBody?', 'never']
      : [
          `requestBody${requestBody.required === true ? '' : '?'}`,
          block([['content', contentType(requestBody.content)]]),
        ],
    ['responses', block(responses)],
  ]);
}

/** A module of TypeScript that exports `paths` and `schemas`. */
export function clientTypes(): string {
  const { paths, components } = openApi(allRoutes({} as App), '0') as unknown as {
    paths: Record<string, Record<string, Json>>;
    components: { schemas: Record<string, Json> };
  };
  const pathTypes = Object.entries(paths).map(
    ([path, operations]) =>
      [
        quoted(path),
        block(
          Object.entries(operations).map(([method, operation]) => [
            `${documented(operation.summary)}${method}`,
            operationType(operation),
          ]),
        ),
      ] as const,
  );
  const schemaTypes = Object.entries(components.schemas).map(
    ([name, schema]) => [key(name), typeOf(schema)] as const,
  );
  return [
    '/** The types of every route, made from the description of the API. */',
    `export interface paths ${block(pathTypes)}`,
    `export interface schemas ${block(schemaTypes)}`,
    '',
  ].join('\n');
}
