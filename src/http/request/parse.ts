/**
 * Parses what a caller sent: bodies, query and path parameters. Only here does a failed parse mean
 * 400. Faults name the field and the remedy and never repeat a value, which may be a secret.
 */
import { z } from 'zod';
import type { Fault } from '../../api/problems.ts';
import { faultsNamedMax, queryParametersMax } from '../../limits/http.ts';
import { malformed } from '../response/problem.ts';

type Path = readonly PropertyKey[];

/** A path as a JSON pointer in a URI fragment (RFC 6901, sections 3, 4 and 6). */
export const pointerTo = (path: Path): string =>
  `#${path.map((key) => `/${fragment(String(key))}`).join('')}`;

const fragment = (key: string) =>
  encodeURI(key.toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')).replaceAll('#', '%23');

/** How a sentence calls the value at a path: `requestedPermissions[0].resource`. */
const nameOf = (path: Path): string =>
  path.reduce<string>(
    (name, key) =>
      typeof key === 'number' ? `${name}[${key}]` : name ? `${name}.${String(key)}` : String(key),
    '',
  ) || 'The body';

const kinds: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  );

const bound = (issue: { origin: string }, amount: number | bigint, word: string): string => {
  switch (issue.origin) {
    case 'string':
      return `must be ${word} ${amount} ${amount === 1 ? 'character' : 'characters'} long`;
    case 'array':
      return `must have ${word} ${amount} ${amount === 1 ? 'item' : 'items'}`;
    default:
      return `must be ${word} ${amount}`;
  }
};

/** What must hold, as the end of a sentence that begins with the field's name. */
function demand(issue: z.core.$ZodIssue, whole: unknown): string {
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = kinds[issue.expected] ?? issue.expected;
      const missing = issue.path.length > 0 && valueAt(whole, issue.path) === undefined;
      return missing ? `is missing: it must be ${wanted}` : `must be ${wanted}`;
    }
    case 'too_small':
      return bound(issue, issue.minimum, 'at least');
    case 'too_big':
      return bound(issue, issue.maximum, 'at most');
    case 'invalid_value':
      return `must be one of: ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      if (issue.format === 'uuid') return 'must be a UUID';
      return issue.message.startsWith('Invalid') ? 'is not well formed' : issue.message;
    case 'custom':
      return issue.message;
    case 'invalid_key': {
      const [first] = issue.issues;
      return first === undefined
        ? 'has a key that is not allowed'
        : `has a key that ${demand(first, '')}`;
    }
    default:
      return 'is not well formed';
  }
}

/** The names a schema knows at its top, for the sentence about one it does not know. */
const knownTo = (schema: z.ZodType): readonly string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];

const unknownKey = (path: Path, known: readonly string[]): string =>
  `${nameOf(path)} is not known here: ${
    known.length === 0 ? 'leave it out' : `leave it out, or name one of ${known.join(', ')}`
  }.`;

/** Keys that reach behind an object in JavaScript; no shape of ours has them at any depth. */
const reserved = ['__proto__', 'constructor'];

function reservedKeys(value: unknown, path: Path, found: Path[]): Path[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (!Array.isArray(value) && reserved.includes(key)) found.push(at);
    else reservedKeys(inner, at, found);
  }
  return found;
}

/** The same, told without naming any: nearly always there is none. */
export function hasReservedKeys(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(hasReservedKeys);
  for (const key in value)
    if (reserved.includes(key) || hasReservedKeys((value as Record<string, unknown>)[key]))
      return true;
  return false;
}

export type Parsed<T> =
  | { readonly value: T; readonly faults?: undefined }
  /** `unnamed`: how many more there are. */
  | { readonly faults: readonly Fault[]; readonly unnamed?: number };

/** A fault that is not put into words yet: of thousands, only the first ones are. */
interface Found {
  readonly path: Path;
  readonly detail: () => string;
}

function* foundIn(schema: z.ZodType, issues: readonly z.core.$ZodIssue[], input: unknown) {
  for (const issue of issues) {
    const { path } = issue;
    if (issue.code !== 'unrecognized_keys') {
      yield { path, detail: () => `${nameOf(path)} ${demand(issue, input)}.` };
      continue;
    }
    const known = path.length === 0 ? knownTo(schema) : [];
    for (const key of issue.keys) {
      const at = [...path, key];
      if (!reserved.includes(key)) yield { path: at, detail: () => unknownKey(at, known) };
    }
  }
}

/** The first fault of each place, since what else is wrong there shows when that is fixed; the rest is counted. */
function named(found: Iterable<Found>, place: (path: Path, detail: string) => Fault) {
  const faults = new Map<string, Fault>();
  let unnamed = 0;
  for (const { path, detail } of found) {
    if (faults.size >= faultsNamedMax) {
      unnamed++;
      continue;
    }
    const fault = place(path, detail());
    if (!faults.has(placeOf(fault))) faults.set(placeOf(fault), fault);
  }
  return { faults: [...faults.values()], unnamed };
}

function parsedBy<S extends z.ZodType>(
  schema: S,
  input: unknown,
  place: (path: Path, detail: string) => Fault,
): Parsed<z.output<S>> {
  const isRefused = hasReservedKeys(input);
  const parsed = schema.safeParse(input);
  if (parsed.success && !isRefused) return { value: parsed.data };
  const refused = (isRefused ? reservedKeys(input, [], []) : []).map((path) => ({
    path,
    detail: () => unknownKey(path, []),
  }));
  const issues = parsed.error?.issues ?? [];
  return named([...refused, ...foundIn(schema, issues, input)], place);
}

const placeOf = (fault: Fault): string => ('pointer' in fault ? fault.pointer : fault.parameter);

/** Parses a body that is JSON already. Faults point into it: `#/username`. */
export const parsedBody = <S extends z.ZodType>(schema: S, body: unknown): Parsed<z.output<S>> =>
  parsedBy(schema, body, (path, detail) => ({ pointer: pointerTo(path), detail }));

/** Parses path parameters; `undefined` stands for one that is not percent-encoded UTF-8. */
export const parsedParams = <S extends z.ZodType>(
  schema: S,
  params: Readonly<Record<string, string | undefined>>,
): Parsed<z.output<S>> =>
  parsedBy(schema, params, ([name = ''], detail) => ({ parameter: String(name), detail }));

/** Undefined: it is not percent-encoded UTF-8. */
export const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
};

/** Parses a query string (without `?`): each parameter known, once, and percent-encoded UTF-8. */
export function parsedQuery<S extends z.ZodType>(
  schema: S,
  querystring: string,
): Parsed<z.output<S>> {
  const pairs = querystring.split('&', queryParametersMax + 1);
  if (pairs.length > queryParametersMax) {
    const detail = `The query has more than ${queryParametersMax} parameters.`;
    return { faults: [{ parameter: 'query', detail }] };
  }
  const faults: Fault[] = [];
  const values = new Map<string, string>();
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const value = decoded(equals < 0 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) {
      const parameter = name ?? 'query';
      faults.push({ parameter, detail: `${parameter} must be percent-encoded UTF-8.` });
    } else if (values.has(name)) {
      faults.push({ parameter: name, detail: `${name} stands twice: send it once.` });
    }
    if (name !== undefined) values.set(name, value ?? '');
  }
  // A null prototype, so that no name means anything.
  const query = Object.assign(Object.create(null), Object.fromEntries(values));
  const parsed = parsedBy(schema, query, ([name = 'query'], detail) => ({
    parameter: String(name),
    detail,
  }));
  if (parsed.faults === undefined) return faults.length === 0 ? parsed : { faults };
  return { ...parsed, faults: [...faults, ...parsed.faults] };
}

/** The faults of the schema, and those beyond it at places that the schema finds nothing wrong with. */
export function withFaults<T>(parsed: Parsed<T>, more: readonly Fault[]): Parsed<T> {
  if (more.length === 0) return parsed;
  const known = new Set(parsed.faults?.map(placeOf));
  return {
    ...('unnamed' in parsed ? { unnamed: parsed.unnamed } : {}),
    faults: [...(parsed.faults ?? []), ...more.filter((fault) => !known.has(placeOf(fault)))],
  };
}

/** The values of several parts, or one problem that names the faults of all. */
export function allOf<T extends readonly Parsed<unknown>[]>(
  ...parts: T
): { [K in keyof T]: T[K] extends Parsed<infer V> ? V : never } {
  const values = parts.map((part) => ('value' in part ? part.value : undefined)) as never;
  if (parts.every(({ faults }) => faults === undefined)) return values;
  const faults = parts.flatMap((part) => part.faults ?? []);
  const unnamed = parts.reduce((sum, part) => sum + ('unnamed' in part ? part.unnamed : 0), 0);
  if (faults.length > 0)
    throw malformed(
      faults.slice(0, faultsNamedMax),
      unnamed + Math.max(0, faults.length - faultsNamedMax),
    );
  return values;
}

/** @throws Problem `request-malformed` that names each fault of the body. */
export const received = <S extends z.ZodType>(schema: S, body: unknown): z.output<S> =>
  allOf(parsedBody(schema, body))[0] as z.output<S>;
