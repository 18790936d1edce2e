/** What `register` shows and runs for people: a QR code for a phone, and a command after the grant. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook }>('gatebook register: for people');
test.before(async (context) => {
  context.gate = gatebook();
  await context.gate.serve();
  context.gate.environment.GATEBOOK_USERNAME = 'admin';
  context.gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

/** Pixels of a picture in the portable grey format: each half block is two modules, the drawn ones are light. */
function picture(lines: readonly string[], scale = 4): Buffer {
  const rows = lines.flatMap((line) => [
    [...line].map((block) => '▀█'.includes(block)),
    [...line].map((block) => '▄█'.includes(block)),
  ]);
  const [width, height] = [(rows[0]?.length ?? 0) * scale, rows.length * scale];
  const pixels = Buffer.alloc(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      pixels[y * width + x] = rows[Math.floor(y / scale)]?.[Math.floor(x / scale)] ? 255 : 0;
  return Buffer.concat([Buffer.from(`P5 ${width} ${height} 255\n`), pixels]);
}

test('--qr shows the page that opens this request, and nothing secret', async ({ gate }) => {
  const out = join(gate.folder, 'press-70.json');
  const ask = (...more: string[]) =>
    gate.call('register', 'press-70', '--out', out, '--no-wait', '--qr', ...more);
  const { exitCode, stdout } = await ask('--page-url', 'https://gatebook.plant:8443/');
  assert.is(exitCode, 6);
  const { pairingId, password } = JSON.parse(readFileSync(out, 'utf8'));
  const link = `https://gatebook.plant:8443/#/requests?q=press-70&pairing=${pairingId}`;
  assert.match(stdout, `\nPage        ${link}\n`);
  assert.not.match(stdout, password);
  const lines = stdout.split('\n').filter((line) => /^[▀▄█ ]{30,}$/.test(line));
  assert.ok(lines.length > 15 && lines.every((line) => line.length === lines[0]?.length));
  // Where the registry is on this machine, a phone would look for it on itself.
  const own = await ask();
  assert.match(own.stdout, `Page        ${gate.environment.GATEBOOK_URL}/#/requests?q=press-70`);
  assert.match(own.stdout, 'Note: that address leads each machine to itself');
  assert.not.match(stdout, 'Note:');

  const file = join(gate.folder, 'qr.pgm');
  writeFileSync(file, picture(lines));
  const read = spawnSync('zbarimg', ['--raw', '--quiet', file], { encoding: 'utf8' });
  if (read.error !== undefined) return skipped('no zbarimg here');
  assert.is(read.stdout.trim(), link, read.stderr);
});

test('--exec runs after the grant of a password, once, and again where it failed', async ({
  gate,
}) => {
  said(await gate.call('unlock'));
  const told = join(gate.folder, 'told');
  const out = join(gate.folder, 'press-71.json');
  const device = (command: string, ...more: string[]) =>
    gate.call('register', 'press-71', '--out', out, '--exec', command, ...more);
  const command = `echo $(jq -r .username ${out}) >> ${told}`;
  assert.is((await device(command, '--no-wait')).exitCode, 6);
  assert.not.ok(existsSync(told));
  said(await gate.call('grant', 'press-71'));
  const failed = await device('exit 7');
  assert.is(failed.exitCode, 1);
  assert.match(failed.stdout, /^Granted\. Wrote /m);
  assert.match(failed.stderr, 'the command of --exec ended with 7');
  assert.match(failed.stderr, 'The same gatebook register runs it again.');
  for (let run = 0; run < 2; run++) assert.match(said(await device(command)), /^Granted already/m);
  assert.is(readFileSync(told, 'utf8'), 'press-71\n');
});

test.run();
