/** The files that brokers read: written whole, for everybody to read, and again whenever the list changes. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepCertificateFiles } from '../../../src/broker/certificate-files.ts';
import { createLogger } from '../../../src/logger.ts';
import { runProgram } from '../../support/program.ts';
import { assert, suite } from '../../support/suite.ts';

interface Here {
  dir: string;
  lines: string[];
  ending: AbortController;
  list: { der: Buffer; changed: () => void };
  keep(command: string | null): ReturnType<typeof keepCertificateFiles>;
}

const test = suite<Here>('files of certificates');

test.before.each(async (here) => {
  here.dir = join(await mkdtemp(join(tmpdir(), 'gatebook-files-')), 'certificates');
  here.lines = [];
  here.ending = new AbortController();
  here.list = { der: Buffer.from('the first'), changed: () => undefined };
  here.keep = (command) =>
    keepCertificateFiles({
      ...{ dir: here.dir, command, chain: () => 'the chain\n', signal: here.ending.signal },
      list: {
        all: async () => [here.list.der],
        onChange(listener) {
          here.list.changed = listener;
        },
      },
      logger: createLogger({ level: 'debug', write: (line) => here.lines.push(line) }),
    });
});
test.after.each(async ({ dir, ending }) => {
  ending.abort();
  await rm(join(dir, '..'), { recursive: true, force: true });
});

const crlIn = async ({ dir }: Here): Promise<string> => {
  const [, base64 = ''] =
    /^-----BEGIN X509 CRL-----\n([^-]+)\n-----END X509 CRL-----\n$/.exec(
      await readFile(join(dir, 'crl.pem'), 'utf8'),
    ) ?? [];
  return Buffer.from(base64, 'base64').toString();
};

test('everybody may read them, whatever the umask, and nothing else is left there', async (here) => {
  const before = process.umask(0o077);
  try {
    await here.keep(null).inForce();
  } finally {
    process.umask(before);
  }
  assert.is(await readFile(join(here.dir, 'ca.pem'), 'utf8'), 'the chain\n');
  assert.is(await crlIn(here), 'the first');
  assert.equal((await readdir(here.dir)).sort(), ['ca.pem', 'crl.pem']);
  for (const name of ['ca.pem', 'crl.pem'])
    assert.is((await stat(join(here.dir, name))).mode & 0o777, 0o644, name);
});

test('a change is written at once and told once, without the settings of the service', async (here) => {
  process.env.GATEBOOK_HOOK_SECRET = 'a-secret-of-the-service';
  try {
    const files = here.keep('echo "$PATH:$GATEBOOK_HOOK_SECRET" >> ../told');
    await files.inForce();
    here.list.der = Buffer.alloc(500, 'second');
    here.list.changed();
    await files.inForce();
    assert.is(await crlIn(here), String(here.list.der));
    assert.match(await readFile(join(here.dir, 'crl.pem'), 'utf8'), /^[^\n]{1,64}$/m);
    await Promise.all([files.inForce(), files.inForce()]);
    const told = await readFile(join(here.dir, '../told'), 'utf8');
    assert.equal(told.split('\n'), [`${process.env.PATH}:`, `${process.env.PATH}:`, '']);
  } finally {
    delete process.env.GATEBOOK_HOOK_SECRET;
  }
});

test('who reads while they are replaced sees one list or the other', async (here) => {
  const files = here.keep(null);
  const lists = ['a', 'b'].map((letter) => Buffer.alloc(200_000, letter));
  here.list.der = lists[0] as Buffer;
  await files.inForce();
  let reads = 0;
  let isOver = false;
  const reading = (async () => {
    for (; !isOver; reads++) {
      const read = await crlIn(here);
      assert.ok(lists.some((list) => String(list) === read));
    }
  })();
  for (let turn = 0; turn < 20; turn++) {
    here.list.der = lists[turn % 2] as Buffer;
    await files.inForce();
  }
  isOver = true;
  await reading;
  assert.ok(reads > 5);
});

test('a command that fails is told of without its words, and tried again', async (here) => {
  const files = here.keep('exit $(cat ../code 2>/dev/null || echo 3) # password');
  await files.inForce();
  assert.match(here.lines.join(''), /exit code 3/);
  assert.is(here.lines.join('').includes('password'), false);
  assert.is(await crlIn(here), 'the first');
  await runProgram('sh', ['-c', `echo 0 > ${here.dir}/../code`]);
  const { length } = here.lines;
  await files.inForce();
  assert.is(here.lines.length, length);
});

test('a folder that is none is told of, and written once it is one', async (here) => {
  await writeFile(here.dir, 'a file');
  const files = here.keep(null);
  await files.inForce();
  assert.match(here.lines.join(''), /old list of revoked certificates/);
  await rm(here.dir);
  await files.inForce();
  assert.is(await crlIn(here), 'the first');
});

test.run();
