/** The hooks as an edge: who may ask, in what form, and how much. */

import { bodyBytesMax } from '../../../../src/limits/http.ts';
import { type Door, doorOf, knockEverywhere, newName, strong } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

const secret = 'the-secret-of-the-hooks';

interface Here {
  world: World;
  door: Door;
}
const test = suite<Here>('the hooks over HTTP');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_HOOK_SECRET: secret });
  here.door = doorOf(here.world);
  await here.door.unlock({ maxRequests: 1_000 });
});
test.after(({ world }) => world.stop());

const form = 'application/x-www-form-urlencoded';
async function post(
  world: World,
  path: string,
  body: string | Uint8Array,
  headers: Record<string, string> = { 'Content-Type': form },
  method = 'POST',
) {
  const response = await fetch(`${world.url}/hooks${path}`, {
    method,
    headers,
    ...(method === 'GET' ? {} : { body: body as never }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
const fields = (more: Record<string, string>) =>
  String(new URLSearchParams({ vhost: '/', client_id: 'c 1', ...more }));

test('the secret is a Bearer token or the first part of the path', async ({ world, door }) => {
  const { username, password } = await door.active();
  const body = fields({ username, password });
  const by = (Authorization: string) => ({ 'Content-Type': form, Authorization });
  const allowed = await post(world, `/rabbitmq/${secret}/user`, body);
  assert.equal([allowed.status, allowed.text], [200, 'allow']);
  assert.match(allowed.headers.get('content-type') ?? '', /^text\/plain/);
  assert.is((await post(world, '/rabbitmq/user', body, by(`Bearer ${secret}`))).text, 'allow');
  for (const [path, headers] of [
    ['/rabbitmq/user', undefined],
    ['/rabbitmq/wrong/user', undefined],
    [`/rabbitmq/${secret}x/user`, undefined],
    ['/rabbitmq', undefined],
    ['/rabbitmq/', undefined],
    ['/rabbitmq/user', by(`Bearer ${secret}x`)],
    ['/rabbitmq/user', by(`Bearer ${secret.slice(0, -1)}`)],
    [`/rabbitmq/${secret}/user`, by('Bearer wrong')],
    ['/rabbitmq/user', by(`Bearer ${world.token}`)],
    ['/vernemq', undefined],
    ['/emqx/authn', undefined],
  ] as const) {
    const refused = await post(world, path, body, headers);
    assert.is(refused.status, 401, `${path} ${JSON.stringify(headers)}`);
    assert.not.match(refused.text, secret);
  }
  assert.equal(
    world.lines.filter((line) => line.includes(secret)),
    [],
  );
});

test('without a secret there are no hooks', async () => {
  const world = await startRegistry({});
  try {
    for (const path of [
      '/rabbitmq/user',
      '/rabbitmq//user',
      `/rabbitmq/${secret}/user`,
      '/vernemq',
    ])
      assert.is((await post(world, path, fields({}))).status, 404);
    const bearer = { 'Content-Type': form, Authorization: `Bearer ${secret}` };
    assert.is((await post(world, '/rabbitmq/user', fields({}), bearer)).status, 404);
  } finally {
    await world.stop();
  }
});

test('other paths, methods, types and sizes are refused as everywhere', async ({ world }) => {
  const at = (what: string) => `/rabbitmq/${secret}/${what}`;
  for (const path of [at('users'), at('user/'), at('user/x'), at('')])
    assert.is((await post(world, path, '')).status, 404, path);
  assert.is((await post(world, `/nobody/${secret}/user`, '')).status, 404);
  const got = await post(world, at('user'), '', {}, 'GET');
  assert.equal([got.status, got.headers.get('allow')], [405, 'POST']);
  const typed = (type: string) => ({ 'Content-Type': type });
  assert.is((await post(world, at('user'), '{}', typed('application/json'))).status, 415);
  assert.is((await post(world, `/emqx/${secret}/authn`, 'a=b', typed(form))).status, 415);
  const large = `a=${'x'.repeat(bodyBytesMax)}`;
  assert.is((await post(world, at('user'), large)).status, 413);
  assert.is((await post(world, at('user'), new Uint8Array([0xff, 0xfe]))).status, 400);
  assert.is(
    (await post(world, `/emqx/${secret}/authn`, 'no json', typed('application/json'))).status,
    400,
  );
});

test('RabbitMQ: only what the MQTT plugin needs, and only for a client id', async ({
  world,
  door,
}) => {
  const { username, password } = await door.active({
    permissions: [
      { context: 'mqtt', resource: 'a/+', operation: 'readWrite' },
      { context: 'mqtt', resource: '#', operation: 'read' },
    ],
  });
  const ask = async (question: string, more: Record<string, string>) =>
    (await post(world, `/rabbitmq/${secret}/${question}`, fields({ username, ...more }))).text;
  const queue = 'mqtt-subscription-c 1qos1';
  const cases: [question: string, more: Record<string, string>, answer: string][] = [
    ['user', { password }, 'allow'],
    ['user', { password: 'wrong' }, 'deny'],
    ['user', { password, vhost: 'other' }, 'deny'],
    ['vhost', { ip: '127.0.0.1', tags: '' }, 'allow'],
    ['vhost', { vhost: 'other' }, 'deny'],
    ['vhost', { username: newName() }, 'deny'],
    ['resource', { resource: 'queue', name: queue, permission: 'configure' }, 'allow'],
    [
      'resource',
      { resource: 'queue', name: 'mqtt-subscription-c 2qos1', permission: 'read' },
      'deny',
    ],
    ['resource', { resource: 'queue', name: 'orders', permission: 'read' }, 'deny'],
    ['resource', { resource: 'exchange', name: 'amq.topic', permission: 'write' }, 'allow'],
    ['resource', { resource: 'exchange', name: 'amq.topic', permission: 'configure' }, 'deny'],
    ['resource', { resource: 'exchange', name: 'amq.direct', permission: 'write' }, 'deny'],
    [
      'topic',
      { resource: 'topic', name: 'amq.topic', permission: 'write', routing_key: 'a.b' },
      'allow',
    ],
    [
      'topic',
      { resource: 'topic', name: 'amq.topic', permission: 'write', routing_key: 'b.b' },
      'deny',
    ],
    [
      'topic',
      { resource: 'topic', name: 'amq.topic', permission: 'write', routing_key: 'a.*' },
      'deny',
    ],
    [
      'topic',
      { resource: 'topic', name: 'amq.topic', permission: 'read', routing_key: '#' },
      'allow',
    ],
    [
      'topic',
      { resource: 'topic', name: 'amq.topic', permission: 'read', routing_key: '$SYS.#' },
      'deny',
    ],
    ['topic', { resource: 'topic', name: 'amq.topic', permission: 'read' }, 'deny'],
    ['topic', { resource: 'topic', name: 'other', permission: 'read', routing_key: 'a.b' }, 'deny'],
  ];
  for (const [question, more, answer] of cases)
    assert.is(await ask(question, more), answer, `${question} ${JSON.stringify(more)}`);
  // AMQP names no client id.
  const amqp = String(new URLSearchParams({ username, password, vhost: '/' }));
  for (const question of ['user', 'vhost'])
    assert.is((await post(world, `/rabbitmq/${secret}/${question}`, amqp)).text, 'deny');
  const stranger = newName();
  const strange = String(
    new URLSearchParams({ username: stranger, password: strong(), vhost: '/' }),
  );
  assert.is((await post(world, `/rabbitmq/${secret}/user`, strange)).text, 'deny');
  assert.equal(await door.requestsOf(stranger), []);
});

test('a broker that grants itself too much is not believed', async ({ world, door }) => {
  const [username, password] = [newName(), strong()];
  const body = fields({ username, password });
  assert.is((await post(world, `/rabbitmq/${secret}/user`, body)).text, 'deny');
  const [request] = await door.requestsOf(username);
  assert.equal([request.source, request.flow, request.clientId], [null, 'implicit', 'c 1']);
  assert.is((await post(world, `/rabbitmq/${secret}/vhost`, body)).text, 'deny');
  await door.grant(request.requestId, { mqttClientId: 'pinned' });
  assert.is((await post(world, `/rabbitmq/${secret}/user`, body)).text, 'deny');
  assert.is((await post(world, `/rabbitmq/${secret}/vhost`, body)).text, 'deny');
});

/** As the plugin asks: its source, backends/http.go, was read; it cannot be had here. */
const goAuth = async (
  world: World,
  question: string,
  fieldsOf: Record<string, string | number>,
  by: 'json' | 'form' | 'query' = 'json',
  response = '',
) => {
  const query = String(new URLSearchParams(fieldsOf as Record<string, string>));
  const path = `/mosquitto-go-auth/${secret}/${question}${response}`;
  if (by === 'form') return await post(world, path, query);
  if (by === 'query')
    return await post(world, `${path}${response === '' ? '?' : '&'}${query}`, '', {});
  const json = { 'Content-Type': 'application/json', 'User-Agent': 'mosquitto-2.1.0' };
  return await post(world, path, JSON.stringify(fieldsOf), json);
};

test('mosquitto-go-auth: who may connect, publish, subscribe and be sent', async ({
  world,
  door,
}) => {
  const { username, password } = await door.active({
    permissions: [
      { context: 'mqtt', resource: 'in/+', operation: 'read' },
      { context: 'mqtt', resource: 'out/#', operation: 'write' },
      { context: 'mqtt', resource: 'both', operation: 'readWrite' },
    ],
  });
  const clientid = 'c 1';
  for (const by of ['json', 'form', 'query'] as const) {
    const right = await goAuth(world, 'user', { username, password, clientid }, by);
    assert.equal([right.status, right.text], [200, 'ok'], by);
    const wrong = await goAuth(world, 'user', { username, password: 'wrong', clientid }, by);
    assert.equal([wrong.status, wrong.text], [403, 'denied'], by);
    assert.is((await goAuth(world, 'superuser', { username }, by)).status, 403);
  }
  const told = await goAuth(
    world,
    'user',
    { username, password, clientid },
    'json',
    '?response=json',
  );
  assert.equal(JSON.parse(told.text), { ok: true, error: '' });
  const denied = await goAuth(world, 'superuser', { username }, 'form', '?response=json');
  assert.equal([denied.status, JSON.parse(denied.text).ok], [403, false]);

  const cases: [topic: string, acc: number, isAllowed: boolean][] = [
    ['in/1', 1, true],
    ['in/1/2', 1, false],
    ['out/1', 1, false],
    ['out/1', 2, true],
    ['in/1', 2, false],
    ['out/+', 2, false],
    ['$SYS/x', 2, false],
    ['gatebook/registry/x', 2, false],
    ['both', 3, true],
    ['out/1', 3, false],
    ['in/+', 4, true],
    ['in/#', 4, false],
    ['$share/group/in/+', 4, true],
    ['anything/#', 8, true],
  ];
  for (const [topic, acc, isAllowed] of cases)
    for (const by of ['json', 'form'] as const)
      assert.is(
        (await goAuth(world, 'acl', { username, topic, acc, clientid }, by)).status,
        isAllowed ? 200 : 403,
        `${acc} ${topic}`,
      );
  assert.is((await goAuth(world, 'acl', { username, topic: 'in/1', acc: 1 })).status, 200);
  const nobody = { username: newName(), topic: 'in/1', acc: 1, clientid };
  assert.is((await goAuth(world, 'acl', nobody)).status, 403);

  for (const [question, sent] of [
    ['user', { username }],
    ['acl', { username, topic: 'in/1', acc: 5 }],
    ['acl', { username, topic: 'in/1', acc: 'read' }],
    ['superuser', {}],
  ] as const)
    assert.is((await goAuth(world, question, sent as never)).status, 400, question);
  assert.is((await goAuth(world, 'users', { username })).status, 404);
  await door.change(username, 'revoke');
  assert.is((await goAuth(world, 'user', { username, password, clientid })).status, 403);
  assert.is((await goAuth(world, 'acl', { username, topic: 'in/1', acc: 1 })).status, 403);
});

test('mosquitto-go-auth: an unknown name becomes a request, and comes in after the grant', async ({
  world,
  door,
}) => {
  const asked = { username: newName(), password: strong(), clientid: 'dev' };
  assert.is((await goAuth(world, 'user', asked, 'form')).status, 403);
  const [request] = await door.requestsOf(asked.username);
  assert.equal([request.flow, request.clientId, request.source], ['implicit', 'dev', null]);
  await door.grant(request.requestId);
  assert.is((await goAuth(world, 'user', asked, 'form')).status, 200);
});

test('mosquitto-go-auth: with its password or token ends what a session of it may', async ({
  world,
  door,
}) => {
  const [username, old, next] = [newName(), strong(), strong()];
  const permissions = [{ context: 'mqtt', resource: 'a/#', operation: 'readWrite' }];
  await door.command('/api/users', { username, password: old, permissions }, 201);
  const enters = async (password: string, clientid: string) =>
    (await goAuth(world, 'user', { username, password, clientid })).status;
  const may = async (clientid: string | undefined, acc = 2) => {
    const asked = { username, topic: 'a/b', acc, ...(clientid === undefined ? {} : { clientid }) };
    return (await goAuth(world, 'acl', asked)).status;
  };
  const all = ['by password', 'by login', 'by token'];
  const mayEach = async () => await Promise.all(all.map((clientid) => may(clientid)));

  const login = await world.signIn(username, old);
  const made = await world.call('POST', '/api/tokens', { token: login, body: { label: 'line' } });
  for (const [at, shown] of [old, login, made.body.token].entries())
    assert.is(await enters(shown, all[at] as string), 200);
  assert.equal(await mayEach(), [200, 200, 200]);

  await door.change(username, 'rotate', { password: next });
  assert.equal(await mayEach(), [403, 403, 200]);
  for (const acc of [1, 2, 3, 4, 8]) assert.is(await may('by password', acc), 403);
  assert.is(await may(undefined), 200, 'one of its sessions stands');
  assert.is(await may('before the start'), 200, 'nothing is known of it');
  assert.is(await enters(old, 'by password'), 403);
  assert.is(await may('by password'), 403);
  assert.is(await enters(next, 'by password'), 200);
  assert.equal(await mayEach(), [200, 403, 200]);

  await door.must(204, 'DELETE', `/api/tokens/${made.body.tokenId}`);
  assert.equal(await mayEach(), [200, 403, 403]);
  await door.change(username, 'rotate');
  assert.equal(await mayEach(), [403, 403, 403]);
  assert.is(await may(undefined), 403, 'none of its sessions stands');
});

test('each state, credential and gate comes to the same at every broker that asks', async () => {
  const world = await startRegistry({
    GATEBOOK_HOOK_SECRET: secret,
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
  });
  const json = { 'Content-Type': 'application/json' };
  const asking: ((username: string, password: string) => Promise<[string, string]>)[] = [
    async (username, password) => [
      (await post(world, `/rabbitmq/${secret}/user`, fields({ username, password }))).text,
      'allow',
    ],
    async (username, password) => {
      const body = JSON.stringify({ clientid: 'c', username, password, peerhost: '192.0.2.1' });
      return [
        JSON.parse((await post(world, `/emqx/${secret}/authn`, body, json)).text).result,
        'allow',
      ];
    },
    async (username, password) => {
      const body = JSON.stringify({ client_id: 'c', username, password, peer_addr: '192.0.2.1' });
      const headers = { ...json, 'vernemq-hook': 'auth_on_register' };
      return [
        JSON.parse((await post(world, `/vernemq/${secret}`, body, headers)).text).result,
        'ok',
      ];
    },
    async (username, password) => [
      (await goAuth(world, 'user', { username, password, clientid: 'c' })).text,
      'ok',
    ],
  ];
  try {
    let turn = 0;
    await knockEverywhere(doorOf(world), async ({ username, told }, password) => {
      const asks = asking[turn++ % asking.length] as (typeof asking)[number];
      const [said, yes] = await asks(username, password);
      assert.is(said === yes, told === '201', `${username} is told ${JSON.stringify(said)}`);
    });
  } finally {
    await world.stop();
  }
});

test('hooks do not stand at the door', async () => {
  const world = await startRegistry({ GATEBOOK_HOOK_SECRET: secret, GATEBOOK_DOOR_PORT: '0' });
  try {
    const answer = await fetch(`${world.door}/hooks/rabbitmq/${secret}/user`, {
      method: 'POST',
      body: new URLSearchParams({ username: 'a' }),
    });
    assert.is(answer.status, 404);
  } finally {
    await world.stop();
  }
});

test.run();
