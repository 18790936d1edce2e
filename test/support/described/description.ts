/** The API's description as a judge: which operation a request is, and whether something fits its schemas. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { App } from '../../../src/app.ts';
import { openApi } from '../../../src/http/pages/openapi.ts';
import { estDescribed } from '../../../src/http/routes/est-described.ts';
import { allRoutes } from '../../../src/http/server.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Content = Readonly<Record<string, { readonly schema: Json }>>;

export interface ResponseDescribed {
  readonly content?: Content;
  readonly headers?: Readonly<
    Record<string, { readonly required?: boolean; readonly schema: Json }>
  >;
}

export interface OperationDescribed {
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required: boolean;
    readonly schema: Json;
  }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, ResponseDescribed>>;
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationDescribed>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

/** As it is published. */
export const described = openApi(
  [...allRoutes({} as App), ...estDescribed],
  '0',
) as unknown as Described;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const problem = '#/components/schemas/Problem';

/** A shape that names its members has no others: what is published leaves room for those of later versions. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (!isObject(node)) return node;
  if (node.$ref === problem || node.allOf !== undefined)
    return { ...node, unevaluatedProperties: false };
  const inner = Object.fromEntries(
    Object.entries(node).map(([name, value]) => [name, closed(value)]),
  );
  const isNamed = isObject(node.properties) && node.type === 'object';
  return isNamed && node.additionalProperties === undefined
    ? { ...inner, additionalProperties: false }
    : inner;
}

const { Problem = {}, ...shapes } = described.components.schemas;
const { additionalProperties: _room, ...problemShape } = Problem;
const ajv = new Ajv2020({ strict: false, validateSchema: false });
formats.default(ajv, ['date-time', 'uuid']);
ajv.addFormat('binary', true);
ajv.addSchema({
  $id: 'api:description',
  components: { schemas: { ...(closed(shapes) as object), Problem: problemShape } },
});

/** References as they stand lead into the description. */
const rooted = (schema: unknown): object =>
  JSON.parse(
    JSON.stringify(closed(schema)).replaceAll('"#/components/', '"api:description#/components/'),
  );

const validators = new WeakMap<object, ValidateFunction>();

/** Where a value does not fit a schema of the description, and how; undefined: it fits. */
export function misfit(schema: Json, value: unknown): string | undefined {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(rooted(schema));
    validators.set(schema, validate);
  }
  if (validate(value)) return undefined;
  return (validate.errors ?? [])
    .map(
      ({ instancePath, message, params }) =>
        `#${instancePath} ${message} ${JSON.stringify(params)}`,
    )
    .join('; ');
}

interface Found {
  readonly operation: OperationDescribed;
  readonly params: Readonly<Record<string, string>>;
}

const patterns = Object.entries(described.paths)
  .map(([path, operations]) => ({
    operations,
    names: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`),
  }))
  .sort((one, other) => one.names.length - other.names.length);

/** Of several paths that fit, the one with fewer parameters that takes the method, as the router does. */
export function operationOf(method: string, path: string): Found | undefined {
  const name = method === 'HEAD' ? 'get' : method.toLowerCase();
  for (const { pattern, names, operations } of patterns) {
    const operation = operations[name];
    const found = operation && pattern.exec(path);
    if (operation === undefined || !found) continue;
    const params = names.map((param, at) => [param, decoded(found[at + 1] ?? '')] as const);
    return { operation, params: Object.fromEntries(params) };
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
