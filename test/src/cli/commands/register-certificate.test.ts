/** A device with a certificate on the command line: what it says, what it runs after, and its re-imaged successor. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../../../support/program.ts';
import { assert, suite } from '../../../support/suite.ts';
import { adminPassword, type Gatebook, gatebook, said } from '../gatebook.ts';

interface Here {
  gate: Gatebook;
  url: string;
  fingerprint: string;
}

const test = suite<Here>('gatebook register: certificate');
test.before(async (here) => {
  here.gate = gatebook();
  const service = await here.gate.serve();
  here.url = JSON.parse(await service.says('"msg":"ready"')).https;
  const ca = readFileSync(join(here.gate.folder, 'data', 'keys', 'ca.pem'));
  here.fingerprint = new X509Certificate(ca).fingerprint256;
  here.gate.environment.GATEBOOK_USERNAME = 'admin';
  here.gate.environment.GATEBOOK_PASSWORD = adminPassword;
});
test.after(({ gate }) => gate.clean());

/** @param at names its two files */
const device = ({ url, fingerprint }: Here, name: string, at: string, ...more: string[]) => [
  ...['register', name, '--url', url, '--ca-fingerprint', fingerprint],
  ...['--key', `${at}.key`, '--certificate', `${at}.pem`, ...more],
];

const certificateIn = ({ gate }: Here, at: string) =>
  new X509Certificate(readFileSync(join(gate.folder, `${at}.pem`)));

async function revokedSerials({ gate }: Here): Promise<string> {
  const response = await fetch(`${gate.environment.GATEBOOK_URL}/ca/crl`);
  const file = join(gate.folder, 'crl.der');
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  const crl = ['crl', '-inform', 'DER', '-in', file, '-noout', '-text'];
  return (await runProgram('openssl', crl)).output;
}

test('it shows its key, waits, writes the chain, and runs a command after', async (here) => {
  const { gate } = here;
  said(await gate.call('unlock'));
  const args = device(here, 'press-17', 'press-17', '--exec', 'echo reloaded >> told; echo aloud');
  const asked = await gate.run(...args, '--no-wait');
  assert.is(asked.exitCode, 6, asked.stderr);
  const [, key = ''] = /^Key {9}SHA-256 ([0-9a-f]{64})$/m.exec(asked.stdout) ?? [];
  assert.match(said(await gate.call('requests')), new RegExp(`press-17 .*EC P-256 key ${key}`));
  said(await gate.call('grant', 'press-17', '--permission', 'mqtt:read:plant/#'));
  const granted = await gate.run(...args);
  assert.match(
    said(granted),
    /^Granted\. Wrote press-17\.key, press-17\.pem \(mode 0600\)\..*\nThe certificate ends 2/m,
  );
  assert.not.match(granted.stdout, 'aloud');
  assert.match(granted.stderr, 'aloud');
  assert.is(statSync(join(gate.folder, 'press-17.key')).mode & 0o777, 0o600);
  const again = await gate.run(...args);
  assert.match(
    said(again),
    /^Granted already\. press-17\.key, press-17\.pem have the credentials/m,
  );
  assert.is(readFileSync(join(gate.folder, 'told'), 'utf8'), 'reloaded\n');
});

test('a command that fails is told, and the certificate stays', async (here) => {
  const { gate } = here;
  said(await gate.call('unlock'));
  const args = device(here, 'press-18', 'press-18', '--exec', 'exit 7');
  await gate.run(...args, '--no-wait');
  said(await gate.call('grant', 'press-18'));
  const { exitCode, stderr } = await gate.run(...args);
  assert.is(exitCode, 1);
  assert.match(stderr, 'the command of --exec ended with 7');
  assert.is(certificateIn(here, 'press-18').subject, 'CN=press-18');
});

test('a re-imaged device asks with a new key, and once it is granted the old certificate is revoked', async (here) => {
  const { gate } = here;
  said(await gate.call('unlock'));
  await gate.run(...device(here, 'press-19', 'before', '--no-wait'));
  said(await gate.call('grant', 'press-19', '--permission', 'mqtt:read:plant/#'));
  said(await gate.run(...device(here, 'press-19', 'before')));
  const { serialNumber } = certificateIn(here, 'before');
  assert.not.match(await revokedSerials(here), serialNumber);

  const asked = await gate.run(...device(here, 'press-19', 'after', '--no-wait'));
  assert.is(asked.exitCode, 6, asked.stderr);
  assert.match(asked.stdout, 'an administrator is asked to replace it');
  assert.match(said(await gate.call('requests')), /^press-19 .* replacement, EC P-256 key /m);
  said(await gate.call('grant', 'press-19'));
  assert.match(said(await gate.run(...device(here, 'press-19', 'after'))), /^Granted\./m);
  const crl = await revokedSerials(here);
  assert.match(crl, serialNumber);
  assert.not.match(crl, certificateIn(here, 'after').serialNumber);

  // The one before holds a key that opens nothing any more: locked, it is told what everybody is.
  said(await gate.call('lock'));
  const old = await gate.run(...device(here, 'press-19', 'before', '--no-wait'));
  assert.is(old.exitCode, 6, old.stderr);
  assert.match(old.stdout, 'the registry is locked');
});

test('past two thirds it is renewed: the old one ends when the next is used', async () => {
  const gate = gatebook();
  // They begin an hour back, so that two thirds are over at once.
  gate.environment.GATEBOOK_CERTIFICATE_TTL = '10m';
  try {
    const ready = JSON.parse(await (await gate.serve()).says('"msg":"ready"'));
    const here = { gate, url: ready.https, fingerprint: ready.caFingerprint };
    gate.environment.GATEBOOK_USERNAME = 'admin';
    gate.environment.GATEBOOK_PASSWORD = adminPassword;
    said(await gate.call('unlock'));
    const args = device(here, 'press-20', 'press-20', '--exec', 'echo reloaded >> told');
    await gate.run(...args, '--no-wait');
    said(await gate.call('grant', 'press-20', '--permission', 'mqtt:read:plant/#'));
    said(await gate.call('lock'));
    said(await gate.run(...args));
    const first = certificateIn(here, 'press-20').serialNumber;
    const key = readFileSync(join(gate.folder, 'press-20.key'), 'utf8');
    assert.match(said(await gate.run(...args)), /^Renewed\. Wrote press-20\.pem\./m);
    const next = certificateIn(here, 'press-20').serialNumber;
    assert.is.not(next, first);
    assert.is(readFileSync(join(gate.folder, 'press-20.key'), 'utf8'), key);
    assert.is(readFileSync(join(gate.folder, 'told'), 'utf8'), 'reloaded\nreloaded\n');
    assert.not.match(await revokedSerials(here), first);
    said(await gate.run(...args));
    const crl = await revokedSerials(here);
    assert.match(crl, first);
    assert.not.match(crl, next);
  } finally {
    await gate.clean();
  }
});

test('another CA is told, and what does not go together is a typing error', async (here) => {
  const { gate, url } = here;
  const other = await gate.run(...device({ ...here, fingerprint: 'ab'.repeat(32) }, 'x-1', 'x'));
  assert.is(other.exitCode, 4);
  assert.match(other.stderr, 'Nothing was sent');
  rmSync(join(gate.folder, 'x.key'));
  const http = gate.environment.GATEBOOK_URL ?? '';
  for (const [args, words] of [
    [['--url', url, '--key', 'x.key'], '--certificate FILE'],
    [['--url', url, '--certificate', 'x.pem'], '--key FILE'],
    [['--url', url], '--out FILE is missing'],
    [['--url', url, '--out', 'x', '--page-url', url], '--page-url goes with --qr'],
    [['--url', url, '--key', 'x', '--certificate', 'x'], 'each with its own name'],
    [['--url', http, '--key', 'x.key', '--certificate', 'x.pem'], 'goes with https'],
  ] as const) {
    const { exitCode, stderr } = await gate.call('register', 'x-1', ...args);
    assert.is(exitCode, 2, stderr);
    assert.match(stderr, words);
  }
});

test.run();
