/** After a day's work no secret is in an event, a row, a log line or a metric, and nothing personal in plain text. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { doorOf, newName, strong } from '../../support/door.ts';
import { connected } from '../../support/mqtt-peers.ts';
import { adminPassword, startRegistry, type World } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('secrets');

const source = '203.0.113.177';
const clientId = 'the-client-id-of-a-device';
const site = 'the site that a device stands in';

/** Everything that was secret or personal in what was done. */
async function daysWork(world: World): Promise<{ secrets: Map<string, string> }> {
  const door = doorOf(world);
  const secrets = new Map<string, string>();
  const secret = (what: string, text: string) => {
    secrets.set(what, text);
    return text;
  };
  secret("the administrator's password", adminPassword);
  secret("the administrator's token", world.token);
  await door.unlock({ note: 'hall 4' });

  const more = { source, context: { site } };
  const one = await door.pending(newName(), secret('a slow password', 'tr0ub4dor & three'), more);
  secret('a registration token', one.registrationToken);
  const two = await door.pending(newName(), secret('a strong password', strong()), more);
  await door.ask(one.username, secret("a stranger's password", 'not the right one'), more);
  await door.grant(one.requestId, { confirmContested: true });
  await door.deny(two.requestId, { reason: 'no' });
  await door.ask(one.username, secret("a challenger's password", 'a challenger it is'), more);
  // By MQTT, right and wrong, known and unknown.
  const attempts: [string, string][] = [
    [one.username, one.password],
    [one.username, secret('a wrong password by MQTT', 'wrong by mqtt')],
    [newName(), secret('the password of an implicit request', 'implicit it came')],
    [newName(), secret('a password below the policy', '¶x¶')],
  ];
  for (const [username, password] of attempts)
    (await connected(world.mqtt.port, { username, password, clientId })).end();

  const made = newName('service');
  const { password } = (await door.command('/api/users', { username: made }, 201)).body;
  secret('a password that was made', password);
  const login = secret('a login token', await world.signIn(made, password));
  const named = await world.call('POST', '/api/tokens', { token: login, body: { label: 'x' } });
  secret('a named token', named.body.token);
  (await connected(world.mqtt.port, { username: made, password: login, clientId: 'other' })).end();
  secret('another that was made', (await door.change(made, 'rotate')).body.password);
  await door.change(one.username, 'revoke');

  // What is refused is not repeated either.
  const wrong = secret('a password that is wrong at the sign-in', 'wrong at the desk');
  await world.call('POST', '/api/login', {
    token: null,
    body: { username: 'admin', password: wrong },
  });
  await door.ask('x', secret('a password beside a malformed name', 'beside malformed'));
  const tooShort = secret('a password that is too short', '¶!¶');
  await door.ask(newName(), tooShort);
  const broken = secret('a password in what is no JSON', 'in broken json');
  const response = await fetch(`${world.url}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: `{"username":"admin","password":"${broken}"`,
  });
  assert.not((await response.text()).includes(broken));
  const tampered = secret('a token that is none', `${login.slice(0, -6)}AAAAAA`);
  await world.call('GET', '/api/whoami', { token: tampered });
  await world.call(
    'GET',
    `/api/users?q=${encodeURIComponent(secret('a token in a query', `${login}Q`))}`,
  );
  return { secrets };
}

async function filesUnder(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!name.isFile()) continue;
    const path = join(name.parentPath, name.name);
    files.set(path, await readFile(path));
  }
  return files;
}

test('nothing of what was secret can be found anywhere', async () => {
  const world = await startRegistry({
    GATEBOOK_TRUSTED_PROXIES: '127.0.0.1/32',
    GATEBOOK_LOG_LEVEL: 'debug',
  });
  try {
    const door = doorOf(world);
    const { secrets } = await daysWork(world);
    const metrics = String((await world.call('GET', '/metrics', { token: null })).body);
    assert.match(metrics, /gatebook_registrations_total/);
    const events = await door.events();
    assert.ok(events.length > 10);
    const requests = (await door.must(200, 'GET', '/api/client-registry/requests')).body;
    assert.ok(JSON.stringify(requests).includes(source), 'who may see it sees the source');

    const places = new Map<string, Buffer>([
      ['the metrics', Buffer.from(metrics)],
      ['the events by REST', Buffer.from(JSON.stringify(events))],
      ['the log lines', Buffer.from(world.lines.join('\n'))],
    ]);
    await filesUnder(world.dataDir).then((files) => {
      assert.ok([...files.keys()].some((path) => path.endsWith('log.sqlite')));
      for (const [path, bytes] of files) places.set(path, bytes);
    });
    for (const [what, secret] of secrets)
      for (const [place, bytes] of places)
        for (const form of [
          secret,
          Buffer.from(secret).toString('base64'),
          JSON.stringify(secret).slice(1, -1),
        ])
          assert.not(bytes.includes(form), `${what} is in ${place}`);

    const verifiers = ['$argon2id$', '$gatebook-hmac-sha256$'];
    for (const [place, bytes] of places) {
      // The vault stands in the log's file, apart from the log.
      if (/log\.sqlite(-wal)?$/.test(place)) continue;
      for (const verifier of verifiers)
        assert.not(bytes.includes(verifier), `${verifier} in ${place}`);
    }
    const personal = { source, clientId, site };
    for (const [what, text] of Object.entries(personal))
      for (const [place, bytes] of places)
        if (place !== 'the events by REST')
          assert.not(bytes.includes(text), `${what} is in ${place}`);
  } finally {
    await world.stop();
  }
});

test.run();
