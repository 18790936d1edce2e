/** GATEBOOK_DOOR=lenient: devices that were written for another registry, and what of the door stays as it is. */
import { bodyBytesMax, contextKeysMax } from '../../../../src/limits/http.ts';
import { keepExchange, takeExchanges } from '../../../support/described/tap.ts';
import { type Door, doorOf, newName, strong } from '../../../support/door.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { assert, suite } from '../../../support/suite.ts';

interface Here {
  world: World;
  door: Door;
}
const test = suite<Here>('a lenient door');
test.before(async (here) => {
  here.world = await startRegistry({ GATEBOOK_DOOR: 'lenient', GATEBOOK_MQTT_PORT: 'off' });
  here.door = doorOf(here.world);
  await here.door.unlock({ maxRequests: 1_000 });
});
test.after(({ world }) => world.stop());

const path = '/api/client-registry/register';
async function post(
  world: Pick<World, 'url'>,
  body: string | Uint8Array,
  type: string | null,
  more: Record<string, string> = {},
) {
  const response = await fetch(`${world.url}${path}`, {
    method: 'POST',
    // Bytes have no type of their own.
    body: typeof body === 'string' ? Buffer.from(body) : (body as never),
    headers: { ...more, ...(type !== null && { 'Content-Type': type }) },
  });
  const text = await response.text();
  // What it takes beyond the description is what is tested here; what it answers is judged as everywhere.
  for (const seen of takeExchanges()) keepExchange({ ...seen, sent: null });
  return { status: response.status, text, body: JSON.parse(text) };
}
const contextOf = async ({ call }: World, username: string) =>
  (await call('GET', `/api/client-registry/requests?q=${username}`)).body.items[0].context;
const counter = async ({ call }: World, name: string): Promise<number> => {
  const { body } = await call('GET', '/metrics', { token: null });
  return Number(new RegExp(`^gatebook_${name} (\\d+)$`, 'm').exec(body)?.[1]);
};

test('unknown members are shown under context, as text', async ({ world }) => {
  const username = newName();
  const before = await counter(world, 'lenient_registrations_total');
  const sent = {
    ...{ username, password: strong(), context: { site: 'north', slots: 4 } },
    ...{ agentVersion: '1.9', roles: ['reader'], nested: { a: { b: 1 } }, isNew: true, none: null },
  };
  const asked = await post(world, JSON.stringify(sent), 'application/json');
  assert.is(asked.status, 202, asked.text);
  assert.equal(await contextOf(world, username), {
    ...{ site: 'north', slots: '4', agentVersion: '1.9', roles: '["reader"]' },
    ...{ nested: '{"a":{"b":1}}', isNew: 'true', none: 'null' },
  });
  assert.is(await counter(world, 'lenient_registrations_total'), before + 1);
  // The same again is the same request, and one that a strict door takes is not counted.
  assert.is(
    (await post(world, JSON.stringify(sent), 'text/plain')).body.requestId,
    asked.body.requestId,
  );
  const { username: name, password } = sent;
  await post(world, JSON.stringify({ username: name, password }), 'application/json');
  assert.is(await counter(world, 'lenient_registrations_total'), before + 2);
});

for (const [what, type] of [
  ['of no type', null],
  ['that says to be text', 'text/plain'],
  ['that says to be a form, as curl -d does', 'application/x-www-form-urlencoded'],
  ['of a type of its own', 'application/vnd.other+json; v=2'],
] as const)
  test(`JSON ${what} is read`, async ({ world }) => {
    const body = JSON.stringify({ username: newName(), password: strong(), x: 1 });
    assert.is((await post(world, body, type)).status, 202);
  });

for (const type of ['application/x-www-form-urlencoded', null, 'text/plain'])
  test(`a form is read, sent as ${type}`, async ({ world }) => {
    const username = newName();
    const form = new URLSearchParams({ username, password: 'S3cret π&=', serial: 'SN 4711' });
    assert.is((await post(world, String(form), type)).status, 202);
    assert.equal(await contextOf(world, username), { serial: 'SN 4711' });
    const json = { username, password: 'S3cret π&=' };
    assert.is((await post(world, JSON.stringify(json), 'application/json')).status, 202);
    const wrong = { username, password: 'S3cret' };
    assert.is((await post(world, JSON.stringify(wrong), 'application/json')).status, 409);
  });

test('what does not fit into the context is left out and counted', async ({ world }) => {
  const username = newName();
  const before = await counter(world, 'lenient_members_left_out_total');
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`key${at}`, at]));
  const body = {
    username,
    password: strong(),
    long: 'x'.repeat(1_001),
    [`k${'k'.repeat(128)}`]: 1,
    ...many,
  };
  assert.is((await post(world, JSON.stringify(body), null)).status, 202);
  const context = await contextOf(world, username);
  assert.is(Object.keys(context).length, contextKeysMax);
  assert.is(context['left out'], '11');
  assert.is(context.key30, '30');
  assert.is(await counter(world, 'lenient_members_left_out_total'), before + 11);
});

test('a page of another site sends no more than at a strict door', async ({ world }) => {
  const credentials = { username: newName(), password: strong() };
  const origin = { Origin: 'https://elsewhere.example' };
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    const sent = await post(world, JSON.stringify(credentials), type, origin);
    assert.equal([sent.status, sent.body.code], [415, 'media-type-unsupported'], type);
  }
  // A panel of the registry's own origin sends JSON.
  const json = await post(world, JSON.stringify(credentials), 'application/json', origin);
  assert.is(json.status, 202, json.text);
});

test('bombs, duplicates and names behind an object are refused as everywhere', async ({
  world,
}) => {
  const [username, password] = [newName(), strong()];
  const nested = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
  const refused: [number, string | Uint8Array, string | null][] = [
    [400, `{"username":"${username}","password":"${password}","x":${nested}}`, null],
    [400, `{"username":"${username}","password":"${password}","x":[${'1,'.repeat(5_000)}1]}`, null],
    [413, `{"username":"${username}","x":"${'x'.repeat(bodyBytesMax)}"}`, null],
    [400, `{"username":"${username}","password":"${password}","__proto__":{"x":1}}`, null],
    [400, `{"username":"${username}","password":"${password}","x":{"constructor":1}}`, null],
    [400, `username=${username}&username=x-${username}&password=${password}`, null],
    [400, `username=${username}&password=${password}&__proto__=x`, null],
    [400, `username=${username}&password=%E0%A4%A`, null],
    [400, 'a=1&'.repeat(100), null],
    [400, `<username>${username}</username>`, 'application/xml'],
    [400, Buffer.from([0x75, 0x3d, 0xff]), 'application/x-www-form-urlencoded'],
    [400, `["${username}"]`, 'application/json'],
    [400, `{"username":"${username}"}`, 'application/json'],
    [400, `{"username":"${username}","password":1}`, 'application/json'],
    [400, `{"username":"${username}","password":"${password}","requestedRoles":"x"}`, null],
    [400, '', null],
  ];
  for (const [status, body, type] of refused) {
    const answer = await post(world, body, type);
    assert.is(answer.status, status, `${String(body).slice(0, 80)}: ${answer.text}`);
    assert.not(answer.text.includes(password));
  }
  assert.is(Object.hasOwn(Object.prototype, 'x'), false);
  const compressed = await fetch(`${world.url}${path}`, {
    method: 'POST',
    body: 'x',
    headers: { 'Content-Encoding': 'gzip' },
  });
  assert.is(compressed.status, 415);
});

test('while locked the bytes are those of a strict door, for every name', async ({
  world,
  door,
}) => {
  const { username } = await door.active();
  await door.lock();
  const strict = await startRegistry({ GATEBOOK_MQTT_PORT: 'off' });
  try {
    const sent = (name: string) => ({ username: name, password: strong() });
    const other = (name: string) => JSON.stringify({ ...sent(name), more: 1 });
    const texts = [
      (await post(world, other(username), 'text/plain')).text,
      (await post(world, other(newName()), null)).text,
      (await post(world, String(new URLSearchParams(sent(newName()))), null)).text,
      (await post(world, JSON.stringify(sent(newName())), 'application/json')).text,
      (await post(strict, JSON.stringify(sent(newName())), 'application/json')).text,
    ];
    assert.is(new Set(texts).size, 1, texts.join('\n'));
    assert.match(texts[0] ?? '', 'registry-locked');
    // Strict is as it was.
    assert.is((await post(strict, other(newName()), 'application/json')).status, 400);
    assert.is((await post(strict, JSON.stringify(sent(newName())), 'text/plain')).status, 415);
    assert.is((await post(strict, JSON.stringify(sent(newName())), null)).status, 415);
    // And so is every other route of the lenient one.
    const login = JSON.stringify({ username: 'admin', password: 'x', more: 1 });
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${world.url}/api/login`, { method: 'POST', body: login, headers });
    assert.is(answer.status, 400);
  } finally {
    await strict.stop();
    await door.unlock({ maxRequests: 1_000 });
  }
});

test.run();
