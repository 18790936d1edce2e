/** Every route with what is nearly right, as a stranger and as an administrator: no 5xx, no hang, no crash. */
import { newFolder, removeFolder, type Served, serve } from '../../support/process.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { mutatedBytes, mutatedJson } from '../mutate.ts';
import { askRaw, type Line, pipelineTo } from '../raw-http.ts';

const inputsWhole = 1_000_000;
const connections = 24;
const sessionEvery = 200;
/** A request that is cut short is waited for by the service; we do not wait for it. */
const patienceMs = 250;

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}
type Schema = { readonly [key: string]: unknown };

/** A value that fits a schema well enough to be taken further than the parser. */
function fitting(schema: Schema, schemas: Record<string, Schema>, depth = 0): unknown {
  if (depth > 5) return null;
  const further = (one: unknown) => fitting(one as Schema, schemas, depth + 1);
  if (typeof schema.$ref === 'string')
    return further(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const [choice] = ((schema.anyOf ?? schema.oneOf) as Schema[] | undefined) ?? [];
  if (choice !== undefined) return further(choice);
  if (schema.type === 'object')
    return Object.fromEntries(
      Object.entries((schema.properties ?? {}) as Record<string, Schema>).map(([name, one]) => [
        name,
        name === 'username' ? 'fuzzed' : further(one),
      ]),
    );
  if (schema.type === 'array') return schema.items === undefined ? [] : [further(schema.items)];
  if (schema.type === 'integer' || schema.type === 'number') return 3;
  return schema.type === 'boolean' ? true : 'plant/press/1';
}

async function operationsOf({ call }: Served): Promise<Operation[]> {
  const { body } = await call('GET', '/openapi.json');
  const { schemas } = body.components;
  return Object.entries(body.paths as Record<string, Record<string, Schema>>).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const content = (operation.requestBody as Schema | undefined)?.content as
          | Record<string, { schema: Schema }>
          | undefined;
        const schema = content?.['application/json']?.schema;
        return {
          ...{ method: method.toUpperCase(), path },
          body: schema === undefined ? {} : fitting(schema, schemas),
        };
      }),
  );
}

/** Left alone: they wait on purpose, or end what is tried. */
const spared = /^\/api\/(?:events|backup|keys\/rotate)|\/erase$/;

/** What is tried may end the session; a new one is begun now and then, as often as that is allowed. */
async function sessionAt(served: Served) {
  let renewal: Promise<void> | undefined;
  const session = { token: await served.signIn(), keep: () => (renewal ??= renew()) };
  async function renew(): Promise<void> {
    const { status } = await served.call('GET', '/api/whoami', { token: session.token });
    // Where there were too many sign-ins in a minute, strangers go on alone.
    if (status === 401) session.token = await served.signIn().catch(() => session.token);
    renewal = undefined;
  }
  return session;
}

function inputOf(chance: Chance, operations: readonly Operation[], token: string): Buffer {
  const { method, path, body } = chance.pick(operations);
  const values = ['fuzzed', 'admin2', '00000000-0000-4000-8000-000000000000', '%2e%2e', 'a%00b'];
  const filled = path.replaceAll(/\{\w+\}/g, () => chance.pick(values));
  const query = chance.is(0.3)
    ? `?limit=${chance.pick(['1', '-1', 'x', '1e9'])}&q=${chance.pick(values)}`
    : '';
  const bearer = chance.is(0.5) ? `Authorization: Bearer ${token}\r\n` : '';
  const sent =
    method === 'GET' ? '' : JSON.stringify(chance.is(0.6) ? mutatedJson(chance, body) : body);
  const whole = Buffer.from(askRaw(method, filled + query, sent ?? '', bearer));
  return chance.is(0.4) ? mutatedBytes(chance, whole) : whole;
}

async function run({ chance, share }: Given): Promise<Told> {
  const inputs = Math.max(500, Math.round(inputsWhole * share));
  const dataDir = await newFolder();
  const violations: string[] = [];
  const statuses = new Map<number, number>();
  try {
    const served = await serve(dataDir, {
      ...{ GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0', GATEBOOK_HTTPS_PORT: '0' },
      GATEBOOK_LOG_LEVEL: 'error',
    });
    const session = await sessionAt(served);
    const operations = (await operationsOf(served)).filter(({ path }) => !spared.test(path));
    let left = inputs;
    const one = async () => {
      let line: Line | undefined;
      while (left-- > 0 && violations.length < 20) {
        line = line?.isOpen() ? line : await pipelineTo(served.url, patienceMs);
        if (left % sessionEvery === 0) await session.keep();
        const input = inputOf(chance, operations, session.token);
        const { status, text } = await line.ask(input);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const isTold = status === 503 && /^retry-after:/im.test(text);
        if (status >= 500 && !isTold)
          violations.push(
            `${status}: ${JSON.stringify(input.toString('latin1').slice(0, 400))} → ${text.slice(-200)}`,
          );
        // What is left over of it must not be taken for the answer to the next one.
        if (status < 200 || status >= 400) {
          line.end();
          line = undefined;
        }
      }
      line?.end();
    };
    await Promise.all(Array.from({ length: connections }, one));
    const health = await served.call('GET', '/healthz');
    if (health.status !== 200) violations.push(`afterwards /healthz answers ${health.status}`);
    const said = (served.output.err + served.output.out)
      .split('\n')
      .filter((text) => /unhandled|uncaught|"level":"error"/i.test(text));
    violations.push(...said.slice(0, 5));
    served.kill('SIGTERM');
    if ((await served.ended) !== 0) violations.push('SIGTERM did not end it with 0');
  } finally {
    await removeFolder(dataDir);
  }
  const told = [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${count} × ${status}`);
  return { rounds: inputs, figures: told.join(', '), violations };
}

export const fuzzHttp: Trial = { name: 'http', title: 'fuzzed HTTP, every route', run };
