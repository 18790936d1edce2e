/** What docs/move-in.md shows runs as it stands: with a dynamic-security.json that a real Mosquitto wrote. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mosquittoIsHere, mosquittoPeer } from './src/broker/mosquitto/peer.ts';
import { adminPassword, type Gatebook, gatebook } from './src/cli/gatebook.ts';
import { startRegistry } from './support/service.ts';
import { skipped } from './support/skipped.ts';
import { assert, suite } from './support/suite.ts';

const test = suite('the guide to moving in');
const guide = readFileSync(new URL('../docs/move-in.md', import.meta.url), 'utf8');
const blocks = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
const run = promisify(execFile);
const isHere = mosquittoIsHere();
if (!isHere) skipped('no mosquitto here');

/** As an administrator of Mosquitto made it. */
async function dynamicSecurity(file: string): Promise<void> {
  const mosquitto = await mosquittoPeer();
  try {
    for (const command of [
      ['createRole', 'press'],
      ['addRoleACL', 'press', 'publishClientSend', 'plant/+/temperature', 'allow'],
      ['addRoleACL', 'press', 'subscribePattern', 'plant/+/set', 'allow'],
      ['createGroup', 'line4'],
      ['addGroupRole', 'line4', 'press'],
      ['createClient', 'press-17', '-p', 'the old password'],
      ['addGroupClient', 'line4', 'press-17'],
      ['createClient', 'press-18', '-p', 'switched off'],
      ['disableClient', 'press-18'],
    ])
      mosquitto.control(...command);
    writeFileSync(file, JSON.stringify(mosquitto.accounts()));
  } finally {
    await mosquitto.clean();
  }
}

/** Each line in its turn; files are named as from the folder that one works in. */
async function does(it: Gatebook, block: string, port: number): Promise<string> {
  let output = '';
  for (const line of block.trim().split('\n')) {
    const [program, ...words] = line.split(' ');
    if (program === 'gatebook') {
      const inFolder = (word: string) =>
        existsSync(join(it.folder, word)) ? join(it.folder, word) : word;
      const { exitCode, stdout, stderr } = await it.call(...words.map(inFolder));
      assert.is(exitCode, 0, `${line}: ${stdout}${stderr}`);
      output += stdout;
    } else {
      const env = { ...it.environment, MQTT_PORT: String(port) };
      output += (await run('bash', ['-c', line], { cwd: it.folder, env })).stdout;
    }
  }
  return output.replaceAll(`${it.folder}/`, '');
}

if (isHere)
  test('devices of Mosquitto publish with the passwords that they have', async () => {
    const world = await startRegistry();
    const it = gatebook();
    try {
      await dynamicSecurity(join(it.folder, 'dynamic-security.json'));
      it.environment.GATEBOOK_URL = world.url;
      it.environment.GATEBOOK_TOKEN = world.token;
      const said: string[] = [];
      for (const block of blocks) said.push(await does(it, block, world.mqtt.port));
      assert.is(said.length, 3);
      const [imported = '', , files = ''] = said;
      assert.match(imported, /^\+ role press\n {4}mqtt:write:plant\/\+\/temperature\n/m);
      assert.match(imported, /^\+ client press-17\n {4}role press\n {4}keeps its password$/m);
      assert.match(
        imported,
        /^! dynamic-security.json: client press-18: left out, it is disabled/m,
      );
      assert.match(imported, /^Made 2 roles and 2 clients\.$/m);
      const told = JSON.parse(files.trim().split('\n').at(-1) ?? '');
      assert.equal([told.clients, told.roles, told.clientCount], [[], [], 0]);
      assert.equal(told.leftAlone, [
        { kind: 'client', name: 'oven-4', because: 'it is here already (active)' },
      ]);
      const { body } = await world.call('GET', '/metrics', { token: null });
      // The control account of Mosquitto alone: the devices have shown theirs.
      assert.match(body, /^gatebook_foreign_verifiers 1$/m);
      for (const secret of ['the old password', 'another old one', adminPassword])
        assert.not(said.join('').includes(secret) || world.lines.join('').includes(secret));
      assert.not(said.join('').includes('pbkdf2'));
    } finally {
      await it.clean();
      await world.stop();
    }
  });

test.run();
