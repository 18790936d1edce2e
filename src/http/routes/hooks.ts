/**
 * The hooks: brokers ask here who may connect, publish and subscribe. Their shapes are the brokers' own,
 * not the API's, so they stand outside `/api` and its description.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Middleware } from 'koa';
import type { z } from 'zod';
import {
  type EmqxQuestion,
  EmqxQuestionBody,
  emqxAuthenticates,
  emqxAuthorizes,
  emqxQuestions,
} from '../../broker/hooks/emqx.ts';
import { type HookKind, type Hooks, hookKinds } from '../../broker/hooks/hooks.ts';
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
import type { RequestState } from '../edge.ts';
import { bodyBytes, bodyJson, jsonType } from '../request/body.ts';
import { plainAddress } from '../request/client-address.ts';
import { malformed, Problem } from '../response/problem.ts';

export interface HookOptions {
  readonly hooks: Hooks;
  /** What brokers show, as a Bearer token or in the path; null: there are no hooks. */
  readonly secret: string | null;
  /** Virtual hosts of RabbitMQ that clients may use. */
  readonly vhosts: readonly string[];
}

const formType =
  /^application\/x-www-form-urlencoded[\t ]*(;[\t ]*charset=("utf-8"|utf-8)[\t ]*)?;?$/i;

type Context = Parameters<Middleware<RequestState>>[0];

/** `/hooks/<broker>/…` with the Bearer token, or `/hooks/<broker>/<secret>/…` without. */
export function hookAnswers({ hooks, secret, vhosts }: HookOptions): Middleware<RequestState> {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const expected = secret === null ? null : digest(secret);

  /** What stands behind the broker's name, once the secret was right. */
  function restOf(ctx: Context, rest: readonly string[]): readonly string[] {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(ctx.get('Authorization')) ?? [];
    const given = bearer ?? rest[0] ?? '';
    if (given === '') throw new Problem('token-missing');
    if (expected === null || !timingSafeEqual(digest(given), expected))
      throw new Problem('token-invalid');
    return bearer === undefined ? rest.slice(1) : rest;
  }

  const answers: Record<HookKind, (ctx: Context, rest: readonly string[]) => Promise<unknown>> = {
    async rabbitmq(ctx, [question, ...more]) {
      const known = oneOf(rabbitmqQuestions, question, more);
      named(ctx, 'rabbitmq', known);
      const bytes = await posted(ctx, formType);
      ctx.type = 'text/plain';
      const allowed = await rabbitmqAllows(hooks, vhosts, known, formOf(bytes));
      return allowed ? 'allow' : 'deny';
    },
    async emqx(ctx, [question, ...more]) {
      const known = oneOf(emqxQuestions, question, more);
      named(ctx, 'emqx', known);
      const json = bodyJson(await posted(ctx, jsonType));
      return known === 'authn'
        ? await emqxAuthenticates(hooks, parsed(EmqxQuestionBody.authn, json), plainAddress)
        : emqxAuthorizes(hooks, parsed(EmqxQuestionBody.authz, json));
    },
    async vernemq(ctx, more) {
      const known = oneOf(vernemqQuestions, ctx.get('vernemq-hook'), more);
      named(ctx, 'vernemq', known);
      return await vernemqAnswer(hooks, known, bodyJson(await posted(ctx, jsonType)));
    },
  };

  return async (ctx, next) => {
    const [, first, kind, ...rest] = ctx.path.split('/');
    const known = hookKinds.find((one) => one === kind);
    if (expected === null || first !== 'hooks' || known === undefined) return await next();
    // Never the path as sent: it may hold the secret.
    ctx.state.route = `/hooks/${known}`;
    const body = await answers[known](ctx, restOf(ctx, rest));
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 200;
    ctx.body = body;
  };
}

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

type Question = RabbitmqQuestion | EmqxQuestion | VernemqQuestion;

const named = (ctx: Context, kind: HookKind, question: Question) => {
  ctx.state.route = `/hooks/${kind}/${question}`;
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

async function posted(ctx: Context, type: RegExp): Promise<Buffer | undefined> {
  if (ctx.method !== 'POST')
    throw new Problem('method-not-allowed', { headers: { Allow: 'POST' } });
  return await bodyBytes(ctx.req, ctx.res, undefined, type);
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
