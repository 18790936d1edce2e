/** The guides begin with something that runs, and what stands in them as commands or settings is run here, or by the test that is named. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../src/config/config.ts';
import { type Gatebook, gatebook } from './src/cli/gatebook.ts';
import { doorOf, strong } from './support/door.ts';
import { freePort } from './support/free-port.ts';
import { programIsHere } from './support/mqtt-peers.ts';
import { runProgram } from './support/program.ts';
import { startRegistry, type World } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

interface Block {
  /** What stands behind the three marks; empty: nothing. */
  readonly language: string;
  readonly line: number;
  readonly lines: readonly string[];
}

function blocksIn(guide: string): Block[] {
  const text = readFileSync(`docs/${guide}.md`, 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((found) => ({
    language: found[1] ?? '',
    line: text.slice(0, found.index).split('\n').length,
    lines: (found[2] ?? '').trim().split('\n'),
  }));
}

const here = ['administrator', 'auditor', 'brokers', 'ends', 'operator'];
/** Their commands take minutes: that there are such scripts is all that is looked at. */
const scripts = ['consistency', 'performance', 'what-it-survives'];
/** A guide's first block stands so far down at most. */
const firstBlockLineMax = 20;

const hookSecret = 'a-secret-for-hooks';

const test = suite<{ world: World; line: Gatebook }>('guides');
test.before(async (context) => {
  context.world = await startRegistry({
    GATEBOOK_MQTT_WS_PORT: 'off',
    GATEBOOK_HOOK_SECRET: hookSecret,
  });
  context.line = gatebook();
  const { environment } = context.line;
  Object.assign(environment, {
    GATEBOOK_URL: context.world.url,
    GATEBOOK_TOKEN: context.world.token,
    GATEBOOK_DATA_DIR: context.world.dataDir,
    EDITOR: 'true',
  });
});
test.after(async ({ world, line }) => {
  await line.clean();
  await world.stop();
});

/** The documents that show commands; others are read, not followed. */
const guides = readdirSync('docs')
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.slice(0, -'.md'.length))
  .filter((guide) => blocksIn(guide).some(({ language }) => language === 'sh'));

test('every guide begins with something that runs, and a test runs it', () => {
  const tests = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && name !== 'guides.test.ts')
    .map((name) => readFileSync(join('test', name), 'utf8'));
  for (const guide of guides) {
    const [first] = blocksIn(guide);
    assert.is(first?.language, 'sh', guide);
    assert.ok((first?.line ?? Number.NaN) <= firstBlockLineMax, `${guide}: ${first?.line}`);
    const runsElsewhere = tests.some((text) => text.includes(`docs/${guide}.md`));
    assert.ok(runsElsewhere || [...here, ...scripts].includes(guide), `nothing runs ${guide}.md`);
  }
  for (const guide of [...here, ...scripts]) assert.ok(guides.includes(guide), guide);
});

test('scripts that documents name are there', () => {
  const { scripts: known } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const { lines } of scripts.flatMap(blocksIn))
    for (const text of lines) {
      const [, name] = /\bnpm run ([\w:-]+)/.exec(text) ?? [];
      if (name !== undefined) assert.ok(name in known, text);
    }
});

/** One value where a person would put theirs. */
const filled = (text: string): string =>
  text
    .replace(/<16 to 256[^>]*>|<secret>/g, hookSecret)
    .replaceAll('<password>', 'a-password')
    .replace(/\s+#.*$/, '');

test('settings in guides are settings', () => {
  const setting = /^(?:\w+ )?(GATEBOOK_\w+)=(.*)$/;
  let count = 0;
  for (const { language, lines } of [...here, 'certificates'].flatMap(blocksIn)) {
    const set = lines.map((text) => setting.exec(filled(text)));
    if (language !== 'sh' || !lines[0]?.startsWith('GATEBOOK_')) continue;
    const names = set.map((found) => found?.[1]);
    const all = set.flatMap((found) => (found ? [[found[1] ?? '', found[2] ?? '']] : []));
    count += all.length;
    // The same twice: one or the other.
    const apart = { GATEBOOK_MQTT_PORT: '0' };
    if (new Set(names).size < names.length)
      for (const one of all) parseConfig({ ...apart, ...Object.fromEntries([one]) });
    else parseConfig({ ...apart, ...Object.fromEntries(all) });
  }
  assert.ok(count >= 8, `${count}`);
});

test('addresses that brokers are told to ask are there', async ({ world }) => {
  const text = filled(readFileSync('docs/brokers.md', 'utf8'));
  const asked = new Set(
    [...text.matchAll(/gatebook\.example:8080(\/hooks\/[^\s"`]+)/g)].map(([, path = '']) => path),
  );
  assert.ok(asked.size >= 5);
  for (const path of asked) {
    const token = path.includes(hookSecret) ? null : hookSecret;
    const answer = await world.call('POST', path, {
      ...{ token, body: {} },
      // VerneMQ says in a header what it asks.
      headers: { 'vernemq-hook': 'auth_on_register' },
    });
    assert.is.not(answer.status, 404, path);
    assert.is.not(answer.status, 401, path);
  }
});

/** Words as a shell takes them apart: quotes hold together, a number sign ends it. */
const wordsOf = (text: string): string[] =>
  [...text.replace(/(^|\s)#.*$/, '').matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
const isFile = /^[\w.-]+\.(?:txt|ndjson|yaml|csv|html|backup|json)$/;

/** Runs the commands of blocks; `put` stands in place of words. Gives back what each printed. */
async function runs(line: Gatebook, blocks: readonly Block[], put: Record<string, string> = {}) {
  const printed: string[] = [];
  for (const text of blocks.flatMap(({ lines }) => lines)) {
    const words = wordsOf(text);
    if (words[0] === 'npx') words.shift();
    if (words.shift() !== 'gatebook') continue;
    const inFolder = words.map(
      (word) => put[word] ?? (isFile.test(word) ? join(line.folder, word) : word),
    );
    const into = inFolder.indexOf('>');
    const file = into < 0 ? undefined : inFolder.splice(into)[1];
    const { exitCode, stdout, stderr } = await line.call(...inFolder);
    assert.is(exitCode, 0, `${text}: ${stderr}${stdout}`);
    if (file !== undefined) writeFileSync(file, stdout);
    printed.push(stdout);
  }
  return printed;
}

const commandsOf = (guide: string) =>
  blocksIn(guide).filter(
    ({ language, lines }) =>
      language === 'sh' && lines.some((text) => /^(npx )?gatebook /.test(text)),
  );

test('the administrator’s: the gate, rules, and rights in a file', async ({ world, line }) => {
  const door = doorOf(world);
  const [gate, rules, file] = commandsOf('administrator');
  assert.ok(gate && rules && file);
  await world.call('POST', '/api/client-registry/unlock');
  for (const username of ['press-17', 'press-3']) await door.ask(username, strong());
  const printed = await runs(line, [gate]);
  assert.match(printed.join(''), /Granted press-17/);
  await world.call('PUT', '/api/roles/press', { body: { permissions: [] } });
  await runs(line, [rules]);
  const [yaml] = blocksIn('administrator').filter(({ language }) => language === 'yaml');
  writeFileSync(join(line.folder, 'plant.yaml'), `${yaml?.lines.join('\n')}\n`);
  await runs(line, [file]);
  const [csv] = blocksIn('administrator').filter(({ language }) => language === 'csv');
  writeFileSync(join(line.folder, 'devices.csv'), `${csv?.lines.join('\n')}\n`);
  const imported = await line.call(
    'preauthorizations',
    'import',
    join(line.folder, 'devices.csv'),
    '--dry-run',
  );
  assert.is(imported.exitCode, 0, imported.stderr);
});

test('the auditor’s: history, proof, the past, what-if, revoking by blast radius', async ({
  world,
  line,
}) => {
  const [first, ...others] = commandsOf('auditor');
  assert.ok(first);
  const printed = await runs(line, [first]);
  assert.match(printed.join(''), /whole and untouched/i);
  // What an auditor kept of an earlier visit.
  const kept = { 'checkpoint.txt': 'old.txt', 'log.ndjson': 'old-log.ndjson' };
  for (const [file, old] of Object.entries(kept))
    writeFileSync(join(line.folder, old), readFileSync(join(line.folder, file)));
  await world.call('POST', '/api/client-registry/unlock');
  const { body } = await world.call('GET', '/api/client-registry');
  const put = {
    ID: body.windowId,
    '2026-11-23T14:30:00Z': new Date().toISOString(),
    '2026-11-01': '30d',
  };
  await runs(line, others.slice(2, 4), put);
  await runs(line, others, put);
});

test('the operator’s and the brokers’: how it is, what differs, a backup, new keys', async ({
  world,
  line,
}) => {
  const [first, ...others] = commandsOf('operator');
  assert.ok(first);
  await runs(line, [first]);
  assert.ok(existsSync(join(line.folder, 'gatebook.backup')));
  const ready = world.running.ready.https as string;
  await runs(line, commandsOf('brokers'));
  const { body } = await world.call('GET', '/ca');
  await runs(
    line,
    others.filter(({ lines }) => lines.some((text) => text.includes('--ca-fingerprint'))),
    { 'https://gate.plant:8443': ready, '3f5a…': body.fingerprint },
  );
});

test('ends: given, listed, renewed', async ({ world, line }) => {
  await world.call('POST', '/api/client-registry/unlock');
  const door = doorOf(world);
  await door.ask('press-18', strong());
  const printed = await runs(line, commandsOf('ends'), { 'press-17': 'press-18' });
  assert.match(printed[1] ?? '', /press-18/);
});

test('a stolen key: the last of all, for nobody’s token works afterwards', async ({ line }) => {
  const rotate = commandsOf('operator').filter(({ lines }) => lines[0]?.includes('keys rotate'));
  assert.is(rotate.length, 1);
  await runs(line, rotate);
  assert.is((await line.call('users')).exitCode, 4);
});

test('what is sent to a SIEM is seen as the guide shows it', async ({ world }) => {
  const [receiver = '', serve = ''] =
    blocksIn('operator').find(({ lines }) => lines.some((text) => text.includes('SIEM_URL=')))
      ?.lines ?? [];
  const port = String(await freePort());
  const shown = receiver.replace('6601', port).replace(/^node (.*) &$/, 'exec node $1');
  const child = spawn('bash', ['-c', shown], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = /SIEM_URL=(\S+)/.exec(serve)?.[1]?.replace('6601', port) ?? '';
    await world.restart({ GATEBOOK_SIEM_URL: url });
    const [first] = await once(child.stdout.setEncoding('utf8'), 'data');
    assert.match(first, /^\{"index":0,"hash":/);
  } finally {
    child.kill('SIGKILL');
  }
});

test('the dynamic security of a Mosquitto is made as the guide says', async ({ line }) => {
  if (!programIsHere('mosquitto_ctrl', '--help')) return;
  const [text = ''] = blocksIn('brokers')
    .flatMap(({ lines }) => lines)
    .filter((one) => one.startsWith('mosquitto_ctrl'));
  const file = join(line.folder, 'dynamic-security.json');
  const words = wordsOf(filled(text)).map((word) => (word.endsWith('.json') ? file : word));
  const { code, output } = await runProgram('mosquitto_ctrl', words.slice(1));
  assert.is(code, 0, output);
  assert.is(JSON.parse(readFileSync(file, 'utf8')).clients[0].username, 'gatebook');
});

test.run();
