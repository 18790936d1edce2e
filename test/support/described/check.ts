/** Holds what was asked and answered against the API's description. */
import { see } from './coverage.ts';
import {
  type Content,
  described,
  type Json,
  misfit,
  type OperationDescribed,
  operationOf,
  type ResponseDescribed,
} from './description.ts';
import type { ExchangeSeen } from './exchange.ts';

const problemType = 'application/problem+json';
const problem: Json = { $ref: '#/components/schemas/Problem' };

/** Headers that say nothing of the API: of the connection, of the bytes, for browsers. */
const ofEveryAnswer = new Set([
  ...['connection', 'date', 'keep-alive', 'transfer-encoding'],
  ...['content-type', 'content-length', 'content-encoding', 'vary', 'cache-control'],
  ...['content-security-policy', 'cross-origin-resource-policy', 'referrer-policy'],
  ...['strict-transport-security', 'x-content-type-options', 'x-accel-buffering'],
  ...['cross-origin-opener-policy', 'permissions-policy'],
]);

const mediaTypeOf = (headers: Readonly<Record<string, string>>): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

function contentOf(content: Content | undefined, type: string) {
  const found = Object.entries(content ?? {}).find(
    ([name]) => name.split(';', 1)[0]?.toLowerCase() === type,
  );
  return found?.[1].schema;
}

/** A JSON value, or the text, also of what should be JSON and is not. */
function valueIn(bytes: Buffer, type: string): unknown {
  const text = bytes.toString();
  if (!/\bjson$/.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function* bodyFaults(
  { answered, told, method }: ExchangeSeen,
  { content }: ResponseDescribed,
): Generator<string> {
  const type = mediaTypeOf(told);
  if (content === undefined) {
    if (answered !== null && answered.length > 0) yield `has a body of type ${type}`;
    return;
  }
  const schema = contentOf(content, type);
  if (schema === undefined) {
    yield `is of type ${type || 'none'}`;
    return;
  }
  const isUnreadable = answered === null || told['content-encoding'] !== undefined;
  if (isUnreadable || method === 'HEAD') return;
  const wrong = misfit(schema, valueIn(answered, type));
  if (wrong !== undefined) yield `${wrong} in ${answered.toString().slice(0, 500)}`;
}

function* headerFaults({ told }: ExchangeSeen, { headers = {} }: ResponseDescribed) {
  const declared = new Map(
    Object.entries(headers).map(([name, header]) => [name.toLowerCase(), header]),
  );
  for (const [name, { required, schema }] of declared) {
    const value = told[name];
    if (value === undefined) {
      if (required === true) yield `has no ${name}`;
      continue;
    }
    const wrong = misfit(schema, schema.type === 'integer' ? Number(value) : value);
    if (wrong !== undefined) yield `header ${name}: ${value}: ${wrong}`;
  }
  for (const name of Object.keys(told))
    if (!declared.has(name) && !ofEveryAnswer.has(name)) yield `has a header ${name}`;
}

/** A value of a path or a query, as the schema would have it. */
const parsedAs = ({ type }: Json, text: string): unknown =>
  (type === 'integer' || type === 'number') && /^-?\d+$/.test(text) ? Number(text) : text;

/** What was taken must be what the description says is taken. */
function* requestFaults(
  { query, sent, asked }: ExchangeSeen,
  { parameters, requestBody }: OperationDescribed,
  params: Readonly<Record<string, string>>,
) {
  const queried = Object.fromEntries(new URLSearchParams(query));
  for (const { name, in: place, required, schema } of parameters) {
    const value = place === 'path' ? params[name] : place === 'query' ? queried[name] : undefined;
    if (value === undefined) {
      if (required) yield `took a request without ${name}`;
      continue;
    }
    const wrong = misfit(schema, parsedAs(schema, value));
    if (wrong !== undefined) yield `took ${name}=${value}: ${wrong}`;
  }
  for (const name of Object.keys(queried))
    if (!parameters.some((one) => one.in === 'query' && one.name === name))
      yield `took the parameter ${name}`;
  if (sent === null || sent.length === 0) {
    if (sent !== null && requestBody?.required === true) yield 'took a request without a body';
    return;
  }
  const type = mediaTypeOf(asked);
  const schema = contentOf(requestBody?.content, type);
  if (schema === undefined) {
    // Nothing but an empty object is taken where nothing is.
    if (requestBody !== undefined || sent.toString().trim() !== '{}') yield `took ${type}`;
    return;
  }
  const wrong = misfit(schema, valueIn(sent, type));
  if (wrong !== undefined) yield `took ${sent.toString().slice(0, 500)}: ${wrong}`;
}

function* faultsOf(exchange: ExchangeSeen): Generator<string> {
  const { method, path, status, told, answered } = exchange;
  // What a hostile registry answers is meant to be wrong.
  if (told['gatebook-hostile'] !== undefined) return;
  const isProblem = mediaTypeOf(told) === problemType;
  const document = (
    isProblem && answered !== null && method !== 'HEAD' ? valueIn(answered, problemType) : null
  ) as { readonly code?: string; readonly status?: number } | null;
  const found = operationOf(method, path);
  if (found === undefined) {
    const isKnown = ['route-not-found', 'method-not-allowed'].includes(document?.code ?? '');
    const wrong = isKnown ? misfit(problem, document) : undefined;
    if (wrong !== undefined) yield wrong;
    return;
  }
  const { operation, params } = found;
  const response = operation.responses[status];
  // At the door's own port everything else is missing.
  if (
    response === undefined &&
    document?.code === 'route-not-found' &&
    !path.startsWith('/api/client-registry/re')
  )
    return;
  if (response === undefined) {
    yield `is not described${document === null ? '' : `: ${document.code}`}`;
    return;
  }
  if (document?.status !== undefined && document.status !== status) yield `says ${document.status}`;
  see(operation.operationId, status, document?.code ?? '');
  yield* bodyFaults(exchange, response);
  yield* headerFaults(exchange, response);
  if (status < 300) yield* requestFaults(exchange, operation, params);
}

/** Each names the route, the status and where it is wrong. */
export const faultsIn = (exchanges: readonly ExchangeSeen[]): string[] =>
  exchanges.flatMap((exchange) =>
    [...faultsOf(exchange)].map(
      (fault) => `${exchange.method} ${exchange.path} ${exchange.status}: ${fault}`,
    ),
  );

/** Every answer that the description claims, as coverage counts them. */
export function claims(): string[] {
  const codesIn = ({ schema }: { readonly schema: Json }): string[] =>
    ((schema.allOf as Json[])[1] as { properties: { code: { enum: string[] } } }).properties.code
      .enum;
  return Object.values(described.paths).flatMap((operations) =>
    Object.values(operations).flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) => {
        const { [problemType]: problems, ...others } = content;
        const isOwn = problems === undefined || Object.keys(others).length > 0;
        return [
          ...(isOwn ? [`${operationId} ${status}`] : []),
          ...(problems === undefined ? [] : codesIn(problems)).map(
            (code) => `${operationId} ${status} ${code}`,
          ),
        ];
      }),
    ),
  );
}
