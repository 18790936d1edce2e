/** docker-compose.yml and Dockerfile cannot run in the tests: what they name is held against what is there. */
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseConfig } from '../src/config/config.ts';
import { configTable } from '../src/config/variables.ts';
import { assert, suite } from './support/suite.ts';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { environment?: string; file?: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const test = suite('compose');
const compose = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
const dockerfile = readFileSync('Dockerfile', 'utf8');
const services = Object.entries(compose.services);
const nodes = services.filter(([, { build }]) => build !== undefined);
const known = new Set(configTable.map(({ name }) => name));

/** A value without what compose fills in. */
const filled = (value: string) => value.replace(/\$\{[^}:]+:-([^}]*)\}/g, '$1');

test('every setting of a Gatebook is one that it knows, and together they fit', () => {
  assert.is(nodes.length, 4);
  for (const [name, { environment = {} }] of nodes) {
    const given: Record<string, string> = {};
    for (const [variable, value] of Object.entries(environment)) {
      const plain = variable.replace(/_FILE$/, '');
      assert.ok(known.has(plain), `${name}: ${variable} is no setting`);
      if (variable === plain) given[variable] = filled(value);
    }
    // What comes from a secret, as the comment above says it.
    if ('GATEBOOK_HOOK_SECRET_FILE' in environment) {
      given.GATEBOOK_HOOK_SECRET = 'a-secret-of-this-test';
      given.GATEBOOK_BROKER = 'emqx+http://key:secret@emqx:18083';
    } else if ('GATEBOOK_BROKER_FILE' in environment)
      given.GATEBOOK_BROKER = 'mosquitto+mqtt://gatebook:password@mosquitto:1883';
    assert.type(parseConfig(given), 'object', name);
  }
});

test('without a profile one service starts, which needs nothing but itself', () => {
  const always = services.filter(([, { profiles }]) => profiles === undefined);
  assert.equal(
    always.map(([name]) => name),
    ['gatebook'],
  );
  const {
    environment = {},
    secrets = [],
    depends_on = [],
    build,
  } = compose.services.gatebook as Service;
  assert.equal([build, secrets, depends_on], ['.', [], []]);
  const given = Object.entries(environment).map(([name, value]) => [name, filled(value)]);
  const config = parseConfig(Object.fromEntries(given));
  assert.is(config.store, 'sqlite');
  assert.equal(
    config.brokers.map(({ kind }) => kind),
    ['embedded'],
  );
});

test('what starts together finds what it waits for, and its ports free', () => {
  for (const [name, { profiles = [], depends_on = [] }] of services)
    for (const other of Array.isArray(depends_on) ? depends_on : Object.keys(depends_on))
      for (const profile of profiles) {
        const there = compose.services[other]?.profiles;
        assert.ok(there === undefined || there.includes(profile), `${name} waits for ${other}`);
      }
  const published = services.flatMap(([, { ports = [] }]) => ports.map((one) => one.split(':')[1]));
  assert.is(new Set(published).size, published.length, published.join(' '));
});

test('what a Gatebook mounts is made for its user in the image', () => {
  const [, made = '', owned = ''] =
    /^RUN mkdir -m 0700 ([/\w ]+) && chown node:node ([/\w ]+)$/m.exec(dockerfile) ?? [];
  assert.is(made, owned);
  for (const [name, { volumes = [] }] of nodes)
    for (const volume of volumes)
      assert.ok(made.split(' ').includes(volume.split(':')[1] ?? ''), `${name} mounts ${volume}`);
});

test('an event store is advertised by its name, has threads enough, and is healthy when one leads', () => {
  const stores = services.filter(([, { image = '' }]) => image.includes('eventstore'));
  assert.is(stores.length, 4);
  for (const [name, { environment = {}, profiles = [], healthcheck }] of stores) {
    assert.is(environment.DOTNET_ThreadPool_ForceMinWorkerThreads, '40', 'hexadecimal: 64');
    assert.is(environment.EVENTSTORE_TELEMETRY_OPTOUT, 'true');
    // /health/live says 204 also while nobody leads.
    assert.match(healthcheck?.test.join(' ') ?? '', /\/gossip .*"state":"Leader","isAlive":true/);
    if (!profiles.includes('cluster')) continue;
    for (const what of ['NODE', 'REPLICATION'])
      assert.is(environment[`EVENTSTORE_${what}_HOST_ADVERTISE_AS`], name);
  }
});

test('every mounted file, volume, secret and service that is named is there', () => {
  for (const [name, { volumes = [], secrets = [], depends_on = [] }] of services) {
    for (const volume of volumes) {
      const [from = ''] = volume.split(':');
      const there = from.startsWith('.') ? existsSync(from) : from in compose.volumes;
      assert.ok(there, `${name} mounts ${from}`);
    }
    for (const secret of secrets) assert.ok(secret in compose.secrets, `${name} reads ${secret}`);
    const others = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
    for (const other of others) assert.ok(other in compose.services, `${name} waits for ${other}`);
  }
});

test('no secret stands in the file', () => {
  for (const [name, secret] of Object.entries(compose.secrets))
    assert.equal(Object.keys(secret), ['environment'], name);
  for (const [name, { environment = {} }] of services)
    for (const [variable, value] of Object.entries(environment))
      if (/PASSWORD|SECRET/.test(variable))
        assert.match(value, /^(\/run\/secrets\/\w+|\$\{\w+:-\})$/, `${name}: ${variable}`);
});

test('ports are published on this machine only, and lead to ports that are listened on', () => {
  const settings = Object.fromEntries(configTable.map((row) => [row.name, row]));
  assert.ok(settings.GATEBOOK_HTTP_PORT);
  for (const [name, { ports = [] }] of services)
    for (const port of ports)
      assert.match(port, /^127\.0\.0\.1:\d+:(8080|8443|1883|8883|1885)$/, name);
  assert.match(dockerfile, /^EXPOSE 8080 8443 1883 8883 9001$/m);
});

test('the image runs as nobody special, with what the service needs and without the rest', () => {
  assert.match(dockerfile, /^USER node$/m);
  assert.match(dockerfile, /npm ci --omit=dev --ignore-scripts/);
  assert.match(dockerfile, /rm -rf node_modules\/node-linux-\*/);
  for (const [, from = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm))
    for (const path of from.split(' ')) assert.ok(existsSync(path), `the image copies ${path}`);
  // What the service imports of this repository is in the image.
  for (const folder of ['bin', 'domain', 'projections', 'src', 'package.json'])
    assert.match(dockerfile, new RegExp(`^COPY .*\\b${folder}\\b`, 'm'));
  for (const [, variable = ''] of dockerfile.matchAll(/\b(GATEBOOK_\w+)=/g))
    assert.ok(known.has(variable), `the image sets ${variable}`);
});

test('a Gatebook has no more than it needs', () => {
  for (const [name, { read_only, cap_drop, security_opt }] of nodes)
    assert.equal(
      [name, read_only, cap_drop, security_opt],
      [name, true, ['ALL'], ['no-new-privileges:true']],
    );
  assert.match(dockerfile, /^USER node$/m);
  // Every stage is of the image whose bytes are pinned (test/advisories).
  const bases = [...dockerfile.matchAll(/^FROM \$\{(\S+)\}/gm)].map(([, base]) => base);
  assert.equal(bases, ['NODE', 'NODE']);
  assert.is(dockerfile.match(/^FROM /gm)?.length, bases.length);
});

test('the files for systemd, nginx and Caddy name settings that there are', () => {
  for (const file of ['systemd/gatebook.service', 'nginx/gatebook.conf', 'caddy/Caddyfile'])
    for (const [, name = ''] of readFileSync(`deploy/${file}`, 'utf8').matchAll(/(GATEBOOK_\w+)=/g))
      assert.ok(known.has(name), `${file}: ${name}`);
});

test.run();
