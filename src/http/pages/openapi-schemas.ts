/** The shapes of the API description: JSON Schema 2020-12, which is what OpenAPI 3.1 speaks. */
import { z } from 'zod';
import { namedShapes } from '../../api/output.ts';
import type { Route } from '../route.ts';
import { memberWords } from './words.ts';
import { shapeWords } from './words-of-routes.ts';
import '../../api/input.ts';
import '../../api/service.ts';

export type JsonObject = Record<string, unknown>;

const components = '#/components/schemas/';

export const referenceTo = (name: string): JsonObject => ({ $ref: components + name });

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null;

/** What is sent has no members beyond those named. Of what is answered a later version may have more. */
function open(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(open);
  if (!isObject(node)) return node;
  const { additionalProperties, ...rest } = node;
  const kept =
    additionalProperties === undefined || additionalProperties === false
      ? rest
      : { ...rest, additionalProperties };
  return Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, open(value)]));
}

/** Members that say nothing themselves, in the words of the API. `shape`: where they stand. */
function worded(node: unknown, shape: string): unknown {
  if (Array.isArray(node)) return node.map((one) => worded(one, shape));
  if (!isObject(node)) return node;
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [
      name,
      name === 'properties' ? wordedMembers(value as JsonObject, shape) : worded(value, shape),
    ]),
  );
}

const wordedMembers = (properties: JsonObject, shape: string): JsonObject =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => {
      const description = memberWords(shape, name);
      const own = worded(value, shape) as JsonObject;
      return [name, description === undefined ? own : { description, ...own }];
    }),
  );

/** A shape where it is used: by name, or in place when it has none. */
export function schemaOf(schema: z.ZodType, isSent: boolean): JsonObject {
  const id = namedShapes.get(schema)?.id;
  if (id !== undefined) return referenceTo(id);
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as JsonObject;
  return worded(isSent ? rest : open(rest), '') as JsonObject;
}

function* namesIn(node: unknown): Generator<string> {
  if (!isObject(node)) return;
  if (typeof node.$ref === 'string') yield node.$ref.slice(components.length);
  for (const value of Object.values(node)) yield* namesIn(value);
}

/** The names of what is sent, with all that it is made of. */
function sentNames(routes: readonly Route[], schemas: JsonObject): Set<string> {
  const sent = routes.flatMap(({ body }) =>
    body === undefined ? [] : [...namesIn(schemaOf(body, true))],
  );
  const names = new Set(sent);
  for (const name of names) for (const inner of namesIn(schemas[name])) names.add(inner);
  return names;
}

/** Every named shape. */
export function componentSchemas(routes: readonly Route[]): JsonObject {
  const { schemas } = z.toJSONSchema(namedShapes, { uri: (id) => components + id, io: 'input' });
  const sent = sentNames(routes, schemas);
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => {
      const { $schema: _dialect, $id: _id, ...rest } = schema as JsonObject;
      const shape = worded(sent.has(id) ? rest : open(rest), id) as JsonObject;
      return [id, { description: shapeWords(id), ...shape }];
    }),
  );
}
