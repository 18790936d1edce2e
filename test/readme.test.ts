/** The session in README works as pasted: its blocks are run against a real service, word by word. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programIsHere } from './support/mqtt-peers.ts';
import { adminPassword, startRegistry, type World } from './support/service.ts';
import { assert, suite } from './support/suite.ts';

const test = suite<{ world: World | undefined; home: string }>('README', {
  world: undefined,
  home: '',
});

test.before(async (context) => {
  context.world = await startRegistry();
  context.home = await mkdtemp(join(tmpdir(), 'gatebook-home-'));
});
test.after(async ({ world, home }) => {
  await world?.stop();
  await rm(home, { recursive: true, force: true });
});

/** Runs a block as a shell would that it is pasted into; gives back what it printed, line by line. */
function pasted(block: string, world: World, home: string): Promise<string[]> {
  const script = block
    .replaceAll('npx gatebook', 'node bin/gatebook.js')
    .replaceAll('mosquitto_pub ', `mosquitto_pub -h 127.0.0.1 -p ${world.mqtt.port} `)
    .replaceAll('http://localhost:8080', world.url);
  return new Promise((resolve) => {
    const shell = spawn('bash', [], {
      env: { PATH: process.env.PATH, HOME: home, GATEBOOK_URL: world.url, NO_COLOR: '1' },
    });
    let output = '';
    const take = (text: Buffer) => {
      output += text;
    };
    shell.stdout.on('data', take);
    shell.stderr.on('data', take);
    shell.on('close', () => resolve(output.trim().split('\n')));
    // The one thing that is asked for: the administrator's password.
    shell.stdin.end(block.includes('login') ? `${script.trim()} <<< '${adminPassword}'\n` : script);
  });
}

const blocks = async () =>
  [...(await readFile('README.md', 'utf8')).matchAll(/```sh\n(.*?)```/gs)].map(
    ([, block = '']) => block,
  );

test('the first session works as pasted', async ({ world, home }) => {
  if (!world || !programIsHere('mosquitto_pub', '--help') || !programIsHere('curl', '--version'))
    return;
  const [login = '', refused = '', granted = '', rest = ''] = await blocks();

  assert.match((await pasted(login, world, home)).join('\n'), /Signed in/);
  assert.match((await pasted(refused, world, home)).join('\n'), /not authorised/);

  const session = (await pasted(granted, world, home)).join('\n');
  assert.match(session, /Unlocked until .*line 4|Unlocked until/);
  assert.is(session.match(/not authorised/g)?.length, 1, 'refused once more, then it works');
  assert.match(session, /press-17 .*implicit/);
  assert.match(session, /Granted press-17.*Active at embedded/);
  assert.match(session, /RegistrationGranted/);

  const statuses = (await pasted(rest, world, home)).filter((line) => /^\d{3}$/.test(line));
  assert.equal(statuses, ['423', '202', '201']);
});

test('the commands of the first screen are those of package.json', async () => {
  const text = await readFile('README.md', 'utf8');
  assert.match(text, /^npm ci && npm start {5}#/m);
  assert.match(text, /^npm ci && npm test {6}#/m);
});

test('it stays short, and what it links to and shows is there', async () => {
  const text = await readFile('README.md', 'utf8');
  assert.ok(text.split('\n').length <= 150);
  const linked = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, file = '']) => file);
  for (const file of linked) if (!/^https?:/.test(file)) assert.ok(existsSync(file), file);
  assert.ok(linked.includes('docs/flow.svg'));
  // Nothing of a picture is fetched from elsewhere, and it is seen in the dark, too.
  const picture = await readFile('docs/flow.svg', 'utf8');
  assert.match(picture, 'prefers-color-scheme: dark');
  assert.not.match(picture, /<script|href=|url\(|@import/);
});

test.run();
