/**
 * The hooks: brokers ask here who may connect, publish and subscribe. Their shapes are the brokers' own,
 * not the API's, so they stand outside `/api` and its description.
 */
import { timingSafeEqual } from 'node:crypto';
import type { z } from 'zod';
import {
  type EmqxQuestion,
  EmqxQuestionBody,
  emqxAuthenticates,
  emqxAuthorizes,
  emqxQuestions,
} from '../../broker/hooks/emqx.ts';
import type { Hooks } from '../../broker/hooks/hooks.ts';
import { type HookKind, hookKinds } from '../../broker/hooks/kinds.ts';
import {
  type GoAuthQuestion,
  GoAuthQuestionBody,
  goAuthAdmits,
  goAuthAllows,
  goAuthQuestions,
} from '../../broker/hooks/mosquitto-go-auth.ts';
import {
  type RabbitmqQuestion,
  rabbitmqAllows,
  rabbitmqQuestions,
} from '../../broker/hooks/rabbitmq.ts';
import {
  type VernemqQuestion,
  VernemqQuestionBody,
  vernemqPublishes,
  vernemqQuestions,
  vernemqRegisters,
  vernemqSubscribes,
} from '../../broker/hooks/vernemq.ts';
import { bodyBytesMax } from '../../limits/http.ts';
import { plainAddress } from '../../platform/networks.ts';
import { type Soon, soon } from '../../platform/soon.ts';
import type { AnswersBelow } from '../direct.ts';
import type { Exchange } from '../edge.ts';
import { bodyBytes, bodyJson, jsonType } from '../request/body.ts';
import { malformed, Problem } from '../response/problem.ts';
import { ok, type RouteResponse } from '../route.ts';

export interface HookOptions {
  readonly hooks: Hooks;
  /** What brokers show, as a Bearer token or in the path; null: there are no hooks. */
  readonly secret: string | null;
  /** Virtual hosts of RabbitMQ that clients may use. */
  readonly vhosts: readonly string[];
}

const formType =
  /^application\/x-www-form-urlencoded[\t ]*(;[\t ]*charset=("utf-8"|utf-8)[\t ]*)?;?$/i;

const beginning = '/hooks/';
const headers = { 'Cache-Control': 'no-store' };

/** `/hooks/<broker>/…` with the Bearer token, or `/hooks/<broker>/<secret>/…` without; without a secret there are none. */
export function hookAnswers(options: HookOptions): AnswersBelow | undefined {
  const { hooks, secret, vhosts } = options;
  if (secret === null) return undefined;
  const isSecret = secretTest(secret);

  /** What stands behind the broker's name, once the secret was right. */
  function restOf({ req }: Exchange, rest: readonly string[]): readonly string[] {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? [];
    const given = bearer ?? rest[0] ?? '';
    if (given === '') throw new Problem('token-missing');
    if (!isSecret(given)) throw new Problem('token-invalid');
    return bearer === undefined ? rest.slice(1) : rest;
  }

  const answers: Record<
    HookKind,
    (exchange: Exchange, rest: readonly string[]) => Soon<RouteResponse>
  > = {
    async rabbitmq(exchange, [question, ...more]) {
      const known = oneOf(rabbitmqQuestions, question, more);
      named(exchange, 'rabbitmq', known);
      const bytes = await posted(exchange, formType);
      const allowed = await rabbitmqAllows(hooks, vhosts, known, formOf(bytes));
      return {
        status: 200,
        headers,
        type: 'text/plain; charset=utf-8',
        body: allowed ? 'allow' : 'deny',
      };
    },
    emqx(exchange, [question, ...more]) {
      const known = oneOf(emqxQuestions, question, more);
      named(exchange, 'emqx', known);
      const answered = soon(posted(exchange, jsonType), (bytes) => {
        const json = bodyJson(bytes);
        return known === 'authn'
          ? emqxAuthenticates(hooks, parsed(EmqxQuestionBody.authn, json), plainAddress)
          : emqxAuthorizes(hooks, parsed(EmqxQuestionBody.authz, json));
      });
      return soon(answered, told);
    },
    async vernemq(exchange, more) {
      const asked = exchange.req.headers['vernemq-hook'];
      const known = oneOf(vernemqQuestions, String(asked ?? ''), more);
      named(exchange, 'vernemq', known);
      return told(await vernemqAnswer(hooks, known, bodyJson(await posted(exchange, jsonType))));
    },
    async 'mosquitto-go-auth'(exchange, [question, ...more]) {
      const known = oneOf(goAuthQuestions, question, more);
      named(exchange, 'mosquitto-go-auth', known);
      const { response, ...query } = queryOf(exchange);
      const isAllowed = await goAuthAnswer(hooks, known, await goAuthFields(exchange, query));
      return goAuthTold(isAllowed, response === 'json');
    },
  };

  return {
    beginning,
    answer(exchange) {
      const [kind, ...rest] = exchange.path.slice(beginning.length).split('/');
      const known = hookKinds.find((one) => one === kind);
      if (known === undefined) throw new Problem('route-not-found');
      // Never the path as sent: it may hold the secret.
      exchange.state.route = `${beginning}${known}`;
      return answers[known](exchange, restOf(exchange, rest));
    },
  };
}

/** Takes as long whatever is the same in a text and the secret. */
function secretTest(secret: string): (text: string) => boolean {
  const expected = Buffer.from(secret);
  const given = Buffer.alloc(expected.length);
  return (text) => {
    given.fill(0);
    given.write(text);
    const isAsLong = Buffer.byteLength(text) === expected.length;
    return timingSafeEqual(given, expected) && isAsLong;
  };
}

const told = (body: object): RouteResponse => ({ ...ok(body), headers });

async function vernemqAnswer(
  hooks: Hooks,
  question: VernemqQuestion,
  json: unknown,
): Promise<object> {
  switch (question) {
    case 'auth_on_register':
    case 'auth_on_register_m5':
      return await vernemqRegisters(
        hooks,
        parsed(VernemqQuestionBody[question], json),
        plainAddress,
      );
    case 'auth_on_publish':
    case 'auth_on_publish_m5':
      return vernemqPublishes(hooks, parsed(VernemqQuestionBody[question], json));
    case 'auth_on_subscribe':
      return vernemqSubscribes(hooks, parsed(VernemqQuestionBody[question], json), 3);
    case 'auth_on_subscribe_m5':
      return vernemqSubscribes(hooks, parsed(VernemqQuestionBody[question], json), 5);
  }
}

/** What stands behind the `?`. */
const queryOf = ({ req }: Exchange): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(req.url?.split('?')[1] ?? ''));

/** By its settings the plugin sends JSON or a form. */
async function goAuthFields(exchange: Exchange, query: Record<string, string>): Promise<object> {
  const type = exchange.req.headers['content-type'] ?? '';
  const isForm = formType.test(type.trim());
  const bytes = await posted(exchange, isForm ? formType : jsonType);
  const sent = isForm ? Object.fromEntries(formOf(bytes)) : bodyJson(bytes);
  return { ...query, ...(sent as object) };
}

/** Nobody is above the permissions. */
async function goAuthAnswer(
  hooks: Hooks,
  question: GoAuthQuestion,
  fields: object,
): Promise<boolean> {
  switch (question) {
    case 'user':
      return await goAuthAdmits(hooks, parsed(GoAuthQuestionBody.user, fields));
    case 'superuser':
      parsed(GoAuthQuestionBody.superuser, fields);
      return false;
    case 'acl':
      return goAuthAllows(hooks, parsed(GoAuthQuestionBody.acl, fields));
  }
}

/** Right in its response modes `status` and `text`, or `json`: it looks at the body only where the status is good. */
const goAuthTold = (isAllowed: boolean, isJson: boolean): RouteResponse => ({
  status: isAllowed ? 200 : 403,
  headers,
  ...(isJson
    ? { body: { ok: isAllowed, error: isAllowed ? '' : 'denied' } }
    : { type: 'text/plain; charset=utf-8', body: isAllowed ? 'ok' : 'denied' }),
});

type Question = RabbitmqQuestion | EmqxQuestion | VernemqQuestion | GoAuthQuestion;

const named = ({ state }: Exchange, kind: HookKind, question: Question) => {
  state.route = `${beginning}${kind}/${question}`;
};

function oneOf<Known extends string>(
  questions: readonly Known[],
  question: string | undefined,
  more: readonly string[],
): Known {
  const known = questions.find((one) => one === question);
  if (known === undefined || more.length > 0) throw new Problem('route-not-found');
  return known;
}

function posted({ method, req, res }: Exchange, type: RegExp): Soon<Buffer | undefined> {
  if (method !== 'POST') throw new Problem('method-not-allowed', { headers: { Allow: 'POST' } });
  return bodyBytes(req, res, undefined, { type, bytesMax: bodyBytesMax });
}

function formOf(bytes: Buffer | undefined): URLSearchParams {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? Buffer.alloc(0));
    return new URLSearchParams(text);
  } catch {
    throw malformed([{ pointer: '#', detail: 'The body is not UTF-8.' }]);
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw malformed(
    result.error.issues.map(({ path, message }) => ({
      pointer: `#/${path.join('/')}`,
      detail: message,
    })),
  );
}
