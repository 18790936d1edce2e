/**
 * The package as strangers have it: packed, unpacked below node_modules of another folder, started, and used by its
 * entry points. `npm run try-package` installs it by npm, with all that it depends on, instead.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { adminPassword } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

const root = join(import.meta.dirname, '..');
const isInstalled = process.env.PACKAGE === 'installed';
const { resolve } = createRequire(import.meta.url);

const test = suite<{ folder: string }>('the package');

const run = (folder: string, program: string, ...args: string[]) =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** As npm would lay it out: the package below node_modules, and beside it what it depends on, with what is optional left out. */
function unpack(folder: string, tarball: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  run(folder, 'tar', '-xzf', tarball, '-C', modules);
  cpSync(join(modules, 'package'), join(modules, 'gatebook'), { recursive: true });
  rmSync(join(modules, 'package'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.') && name !== '@kurrent')
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
}

test.before((here) => {
  here.folder = mkdtempSync(join(tmpdir(), 'gatebook-package-'));
  run(root, 'npm', 'pack', '--pack-destination', here.folder);
  const [name = ''] = readdirSync(here.folder);
  const tarball = join(here.folder, name);
  writeFileSync(join(here.folder, 'package.json'), '{ "private": true, "type": "module" }');
  if (isInstalled) {
    run(here.folder, 'npm', 'install', '--no-audit', '--no-fund', tarball);
    rmSync(join(here.folder, 'node_modules/@kurrent'), { recursive: true });
  } else unpack(here.folder, tarball);
});
test.after(({ folder }) => rmSync(folder, { recursive: true, force: true }));

/** The program of docs/programs.md. */
const guide =
  /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/programs.md'), 'utf8'))?.[1] ?? '';

const program = `
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import mqtt from 'mqtt';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createRegistryClient, dataOf } from 'gatebook/client';
import { register } from 'gatebook/device';

const env = { ...process.env, GATEBOOK_HTTP_PORT: '0', GATEBOOK_HTTPS_PORT: '0', GATEBOOK_MQTT_PORT: '0',
  GATEBOOK_MQTT_WS_PORT: 'off', GATEBOOK_DATA_DIR: './data', GATEBOOK_ADMIN_PASSWORD: '${adminPassword}' };
const service = spawn(process.execPath, ['node_modules/gatebook/bin/gatebook.js', 'serve'], { env });
let ready;
for await (const line of createInterface(service.stdout))
  if (line.includes('"msg":"ready"')) { ready = JSON.parse(line); break; }
const url = ready.http;
const signedIn = await createRegistryClient({ url }).POST('/api/login', {
  body: { username: 'admin', password: '${adminPassword}' },
});
const admin = createRegistryClient({ url, token: signedIn.data.token });
const told = {};
told.unlocked = (await admin.POST('/api/client-registry/unlock', { body: {} })).data.status;
const registered = register({
  url, username: 'press-1', file: './press-1.json',
  async onStatus({ status }) {
    if (status !== 'pending' || told.granted) return;
    told.granted = true;
    const { data } = await admin.GET('/api/client-registry/requests', { params: { query: { status: 'pending' } } });
    const [{ requestId }] = data.items;
    await admin.POST('/api/client-registry/requests/{id}/grant', {
      params: { path: { id: requestId } },
      body: { permissions: [{ context: 'mqtt', operation: 'write', resource: 'plant/press-1' }] },
    });
  },
});
told.registered = (await registered).registered.username;
const { brokers } = (await registered).registered;
const file = JSON.parse(await readFile('./press-1.json', 'utf8'));
const client = await mqtt.connectAsync(brokers[0].urls[0], { username: 'press-1', password: file.password });
await client.publishAsync('plant/press-1', 'on', { qos: 1 });
await client.endAsync();
told.published = brokers[0].urls[0].split(':')[0];
for (const [username, serial] of [['press-2', 'SN-4711'], ['press-3', 'SN-1']])
  await createRegistryClient({ url }).POST('/api/client-registry/register', {
    body: { username, password: 'd2f1c0b9a8e7f6d5c4b3a2918071625' + username.at(-1), context: { serial } },
  });
Object.assign(process.env, { GATEBOOK_URL: url, GATEBOOK_USERNAME: 'admin', GATEBOOK_PASSWORD: '${adminPassword}' });
await import('./guide.js');
told.user = (await admin.GET('/api/users/{username}', { params: { path: { username: 'press-1' } } })).data.status;
told.thrown = await admin.GET('/api/roles/{name}', { params: { path: { name: 'none' } } }).then(dataOf).catch(({ code, status }) => [code, status]);
told.unknown = (await admin.GET('/api/users/{username}', { params: { path: { username: 'nobody' } } })).error.code;
const page = await (await fetch(url + '/')).text();
told.modules = 0;
for (const [, name] of page.matchAll(/href="(\\/page\\/[^"]+\\.js)"/g)) {
  const { status } = await fetch(url + name);
  if (status === 200) told.modules++; else told.missing = name;
}
service.kill('SIGTERM');
[told.exit] = await once(service, 'exit');
console.log(JSON.stringify(told));
`;

test('starts, lets a device in by gatebook/device and gatebook/client, shows its page, ends', ({
  folder,
}) => {
  writeFileSync(join(folder, 'guide.js'), guide);
  writeFileSync(join(folder, 'use.js'), program);
  const lines = run(folder, process.execPath, 'use.js').trimEnd().split('\n');
  const told = JSON.parse(lines.pop() ?? '');
  assert.equal(lines, ['press-3: left to a person', 'press-2: granted']);
  assert.ok(told.modules > 20, `${told.modules} modules of the page`);
  delete told.modules;
  assert.equal(told, {
    ...{ unlocked: 'unlocked', granted: true, registered: 'press-1', user: 'active' },
    ...{ unknown: 'user-not-found', published: 'mqtt', exit: 0 },
    thrown: ['role-not-found', 404],
  });
});

test('without the client for KurrentDB it says what to do about it', ({ folder }) => {
  const gatebook = join(folder, 'node_modules/gatebook/bin/gatebook.js');
  const env = { ...process.env, GATEBOOK_DATA_DIR: './none', GATEBOOK_HTTP_PORT: '0' };
  const { status, stderr } = spawnSync(process.execPath, [gatebook, 'serve'], {
    ...{ cwd: folder, encoding: 'utf8', timeout: 60_000 },
    env: { ...env, GATEBOOK_STORE: 'kurrentdb://127.0.0.1:1?tls=false' },
  });
  assert.match(stderr, /KurrentDB and EventStoreDB is not installed/);
  assert.match(stderr, /npm install @kurrent\/kurrentdb-client/);
  assert.is(status, 2, stderr);
});

test('makes rows anew in its two threads, and says its version', ({ folder }) => {
  const gatebook = join(folder, 'node_modules/gatebook/bin/gatebook.js');
  assert.match(run(folder, process.execPath, gatebook, '--version'), /^gatebook \d+\.\d+\.\d+/);
  assert.match(run(folder, process.execPath, gatebook, 'rebuild', '--json'), /"stateHash"/);
});

/** Seconds of the compiler: when it is tried as installed. */
const whenInstalled: typeof test | (() => void) = isInstalled ? test : () => undefined;

whenInstalled('its types are there for who imports it', ({ folder }) => {
  writeFileSync(
    join(folder, 'uses.ts'),
    `${guide}
import type { Problem } from 'gatebook/client';
import { register as inBrowser } from 'gatebook/device/browser';
import { register } from 'gatebook/device';
const client = createRegistryClient({ url: 'http://127.0.0.1' });
const { data, error } = await client.GET('/api/client-registry');
export const status: 'locked' | 'unlocked' | undefined = data?.status;
export const problem: Problem | undefined = error;
// @ts-expect-error there is no such route
await client.GET('/api/nothing');
export const registered = await register({ url: '', username: 'a', file: 'a.json' });
export const { password: own } = await inBrowser({ username: 'a' });
`,
  );
  const tsc = join(dirname(resolve('typescript/package.json')), 'bin/tsc');
  for (const module of [
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ]) {
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--skipLibCheck', ...module];
    const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...options, ...types, 'uses.ts'], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.is(status, 0, stdout);
  }
});

test('has what it says, and nothing of tests', ({ folder }) => {
  const files = readdirSync(join(folder, 'node_modules/gatebook'), {
    recursive: true,
    encoding: 'utf8',
  });
  assert.equal(
    files.filter((name) => /(?:^|\/)test\/|\.test\.|(?<!\.d)\.ts$/.test(name)),
    [],
  );
  for (const needed of ['LICENSE', 'README.md', 'bin/gatebook.js', 'dist/src/web/page.html'])
    assert.ok(files.includes(needed), needed);
});

test.run();
