import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { deadLettersMax } from '../../../src/limits/notifications.ts';
import { ntfyMessage, webhookSignature } from '../../../src/notifications/messages.ts';
import { startNotifications } from '../../../src/notifications/notifications.ts';
import { startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

interface Received {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A receiver that answers as it is told to. */
async function receiver() {
  const received: Received[] = [];
  const state = { status: 200 };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    received.push({ path: request.url ?? '', headers: request.headers, body });
    response.writeHead(state.status, { Location: '/elsewhere' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    state,
    async until(fits: (received: Received) => boolean): Promise<Received> {
      for (let tries = 0; tries < 400; tries++) {
        const found = received.find(fits);
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return assert.unreachable('nothing of that kind was received') as never;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

const secret = `whsec_${randomBytes(32).toString('base64')}`;

const test = suite<{ hook: Awaited<ReturnType<typeof receiver>>; world: World }>('notifications');
test.before(async (context) => {
  context.hook = await receiver();
  context.world = await startRegistry({
    GATEBOOK_WEBHOOK_URL: `${context.hook.url}/hook`,
    GATEBOOK_WEBHOOK_SECRET: secret,
    GATEBOOK_NTFY_URL: `${context.hook.url}/devices`,
    GATEBOOK_PUBLIC_URL: 'https://registry.example',
  });
  await context.world.call('POST', '/api/client-registry/unlock');
});
test.after(async ({ hook, world }) => {
  await world.stop();
  await hook.close();
});

const ask = ({ call }: World, username: string) =>
  call('POST', '/api/client-registry/register', {
    token: null,
    body: { username, password: randomBytes(16).toString('hex'), context: { site: 'secret hall' } },
  });

const eventIn = ({ body }: Received): string =>
  body.startsWith('{') ? (JSON.parse(body).event as string) : '';

test('a webhook carries { event, at, data }, signed as Standard Webhooks says', async ({
  hook,
  world,
}) => {
  await ask(world, 'press-1');
  const got = await hook.until((one) => eventIn(one) === 'request.pending');
  const { event, at, data, ...others } = JSON.parse(got.body);
  assert.equal([event, data.username, others], ['request.pending', 'press-1', {}]);
  assert.match(at, /^\d{4}-/);
  const id = String(got.headers['webhook-id']);
  const timestamp = String(got.headers['webhook-timestamp']);
  const key = Buffer.from(secret.slice(6), 'base64');
  const signed = createHmac('sha256', key)
    .update(`${id}.${timestamp}.${got.body}`)
    .digest('base64');
  assert.is(got.headers['webhook-signature'], `v1,${signed}`);
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1_000) < 60);
});

test('nothing personal leaves by webhook, and no secret', async ({ hook, world }) => {
  await ask(world, 'press-private');
  const got = await hook.until(
    (one) => one.body.includes('press-private') && eventIn(one) === 'request.pending',
  );
  const { data } = JSON.parse(got.body);
  assert.equal([data.source, data.clientId, data.context], [null, null, null]);
  assert.not.match(got.body, 'secret hall');
});

test('people are told of those who wait, together, with a link to the page', async ({ hook }) => {
  const got = await hook.until(({ path }) => path === '/devices');
  assert.match(got.body, /press-1.* for a decision\./);
  assert.is(got.headers.click, 'https://registry.example');
  assert.match(String(got.headers.title), /asks? for access/);
});

test('what happened while the service was down goes out when it is back, each id once', async ({
  hook,
  world,
}) => {
  hook.state.status = 503;
  await ask(world, 'press-while-away');
  await hook.until((one) => one.body.includes('press-while-away'));
  await world.restart();
  hook.state.status = 200;
  const seen = hook.received.length;
  await hook.until(
    (one) => hook.received.indexOf(one) >= seen && one.body.includes('press-while-away'),
  );
  const ids = hook.received
    .filter((one) => one.body.includes('press-while-away') && eventIn(one) === 'request.pending')
    .map(({ headers }) => headers['webhook-id']);
  assert.is(new Set(ids).size, 1, 'a receiver can tell that it is the same');
});

const quiet = { debug() {}, info() {}, warn() {}, error() {} } as never;

/** The notifier alone, over a history of so many requests. */
function alone(url: string, count: number, notes: Map<string, string>, signal: AbortSignal) {
  const rows = Array.from({ length: count }, (_, at) => ({
    index: at + 1,
    position: String(at + 1),
    eventId: `event-${at + 1}`,
    stream: `client-c${at}`,
    type: 'RegistrationRequested',
    at: '2026-11-23T10:00:00.000Z',
    username: `c${at}`,
    windowId: null,
    data: { username: `c${at}`, requestId: `r${at}`, at: '2026-11-23T10:00:00.000Z' },
  }));
  const find = ({ limit, after = 0 }: { limit: number; after?: number }) => {
    return { items: rows.filter(({ index }) => index > after).slice(0, limit), nextCursor: null };
  };
  return startNotifications({
    webhook: { url, secret: null, cloudEventsSource: null },
    ntfyUrl: null,
    publicUrl: null,
    history: { find, get: () => undefined } as never,
    views: {
      request: async (requestId: string) => ({ requestId, status: 'pending' }),
      user: () => undefined,
    } as never,
    readModels: {
      getBookmark: (name) => notes.get(name),
      setBookmark: (name, value) => void notes.set(name, value),
      onApplied: () => undefined,
    },
    logger: quiet,
    now: () => '2026-11-23T10:00:01.000Z',
    signal,
    retriesMs: [1, 1],
  });
}

test('a receiver that always refuses is tried so often, then put aside, bounded, and kept', async ({
  hook,
}) => {
  const notes = new Map([['notifications-webhook', '0']]);
  const ending = new AbortController();
  hook.state.status = 500;
  hook.received.length = 0;
  const count = deadLettersMax + 5;
  const notifier = alone(`${hook.url}/refused`, count, notes, ending.signal);
  for (let tries = 0; tries < 500 && notes.get('notifications-webhook') !== String(count); tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  ending.abort();
  await notifier.ended;
  const letters = notifier.deadLetters();
  assert.is(letters.length, deadLettersMax);
  assert.equal([letters[0]?.subject, letters[0]?.attemptCount], [`c${count - 1}`, 3]);
  assert.is(letters[0]?.detail, 'answered 500');
  assert.is(hook.received.filter(({ path }) => path === '/refused').length, count * 3);
  const after = alone(hook.url, 0, notes, AbortSignal.abort());
  assert.equal(after.deadLetters(), letters, 'also after a restart');
  hook.state.status = 200;
});

test('a redirect is not followed: it could lead anywhere', async ({ hook }) => {
  const notes = new Map([['notifications-webhook', '0']]);
  const ending = new AbortController();
  hook.state.status = 302;
  const notifier = alone(`${hook.url}/moved`, 1, notes, ending.signal);
  for (let tries = 0; tries < 200 && notifier.deadLetters().length === 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  ending.abort();
  await notifier.ended;
  assert.is(notifier.deadLetters()[0]?.detail, 'answered 302');
  assert.not.ok(hook.received.some(({ path }) => path === '/elsewhere'));
  hook.state.status = 200;
});

test('the same as CloudEvents, where that is wanted: what stands in the body is signed as before', async ({
  hook,
  world,
}) => {
  await world.restart({ GATEBOOK_WEBHOOK_FORMAT: 'cloudevents' });
  await ask(world, 'press-in-the-cloud');
  const got = await hook.until(
    ({ body }) => body.includes('press-in-the-cloud') && body.includes('request.pending'),
  );
  const { data, id, time, ...attributes } = JSON.parse(got.body);
  assert.equal(attributes, {
    ...{ specversion: '1.0', source: 'https://registry.example', subject: 'press-in-the-cloud' },
    ...{ type: 'gatebook.request.pending', datacontenttype: 'application/json' },
  });
  assert.is(data.username, 'press-in-the-cloud');
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
  assert.is(got.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
  assert.is(got.headers['webhook-id'], id);
  assert.is(
    got.headers['webhook-signature'],
    webhookSignature(secret, id, Number(got.headers['webhook-timestamp']), got.body),
  );
});

test('dead letters are listed for who may read them', async ({ world }) => {
  const { status, body } = await world.call('GET', '/api/notifications/dead-letters');
  assert.equal([status, Array.isArray(body.items), body.nextCursor], [200, true, null]);
  assert.is(
    (await world.call('GET', '/api/notifications/dead-letters', { token: null })).status,
    401,
  );
});

test('a message for people names ten, and counts the rest', () => {
  const asked = Array.from({ length: 14 }, (_, at) => ({ id: `e${at}`, username: `d${at}` }));
  const message = ntfyMessage({ url: 'http://x', page: null }, asked);
  assert.match(message.body, /^d0, .*, d9 and 4 more wait for a decision\.$/);
  assert.is(message.headers(0).Title, '14 devices ask for access');
});

test('the signature is that of the specification’s own example', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
  const known = webhookSignature(
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330,
    '{"test": 2432232314}',
  );
  assert.is(known, 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test.run();
