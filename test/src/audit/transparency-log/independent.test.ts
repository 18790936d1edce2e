/** What auditors are given, checked by Go's implementation of signed notes and transparency logs. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { everyCommand } from '../../../support/every-command.ts';
import { programIsHere } from '../../../support/mqtt-peers.ts';
import { startRegistry, type World } from '../../../support/service.ts';
import { skipped } from '../../../support/skipped.ts';
import { assert, suite } from '../../../support/suite.ts';

/** Where Debian's golang-golang-x-mod-dev puts it. */
const goPath = '/usr/share/gocode';

/** What is handed over, by the name of its file. */
type Given = Record<
  'key.txt' | 'checkpoint.txt' | 'export.ndjson' | 'proofs.json' | 'report.json',
  string
>;

interface Found {
  readonly origin: string;
  readonly size: number;
  readonly events: number;
  readonly inclusion: number;
  readonly consistency: number;
  readonly report: boolean;
  readonly faults: readonly string[];
}

const test = suite<{ folder: string; given: Given }>(
  'independent',
  {} as { folder: string; given: Given },
);

async function asked({ call }: World): Promise<Given> {
  const text = async (path: string) => (await call('GET', path)).body as string;
  const checkpoint = await text('/api/audit/checkpoint');
  const size = Number(checkpoint.split('\n')[1]);
  const proofs = { inclusion: [] as unknown[], consistency: [] as unknown[] };
  for (let to = 1; to <= size; to++)
    for (let from = 1; from <= to; from++) {
      const [index, span] = [from - 1, `from=${from}&to=${to}`];
      const inclusion = `/api/audit/proofs/inclusion?index=${index}&size=${to}`;
      proofs.inclusion.push((await call('GET', inclusion)).body);
      proofs.consistency.push((await call('GET', `/api/audit/proofs/consistency?${span}`)).body);
    }
  const { windowId } = (await call('GET', '/api/client-registry')).body;
  const lines = (await text('/api/audit/export')).split('\n').slice(0, size);
  return {
    'key.txt': await text('/.well-known/checkpoint-key'),
    'checkpoint.txt': checkpoint,
    'export.ndjson': `${lines.join('\n')}\n`,
    'proofs.json': JSON.stringify(proofs),
    'report.json': JSON.stringify(
      (await call('GET', `/api/audit/windows/${windowId}/report`)).body,
    ),
  };
}

const isHere = () => {
  if (!programIsHere('go', 'version')) return false;
  const hasNotes = existsSync(join(goPath, 'src/golang.org/x/mod/sumdb/note'));
  if (!hasNotes) skipped('no golang.org/x/mod here');
  return hasNotes;
};

async function checked({ folder }: { folder: string }, given: Given): Promise<Found> {
  const handed = join(folder, 'given');
  await mkdir(handed, { recursive: true });
  for (const [name, content] of Object.entries(given)) await writeFile(join(handed, name), content);
  return await new Promise((resolve, reject) =>
    execFile(join(folder, 'check'), [handed], (error, stdout, stderr) => {
      if (stdout === '') return reject(error ?? new Error(stderr));
      const found = JSON.parse(stdout) as Found;
      assert.is(found.faults.length === 0, error === null);
      resolve(found);
    }),
  );
}

if (isHere()) {
  test.before(async (context) => {
    context.folder = await mkdtemp(join(tmpdir(), 'gatebook-go-'));
    execFileSync(
      'go',
      ['build', '-o', join(context.folder, 'check'), 'test/support/independent.go'],
      {
        env: {
          ...process.env,
          GO111MODULE: 'off',
          GOPATH: goPath,
          GOCACHE: join(context.folder, 'cache'),
        },
      },
    );
    const registry = await startRegistry();
    try {
      await everyCommand(registry);
      context.given = await asked(registry);
    } finally {
      await registry.stop();
    }
  });
  test.after(({ folder }) => rm(folder, { recursive: true, force: true }));

  test('key, checkpoint, every leaf, every proof and the report hold', async (context) => {
    const found = await checked(context, context.given);
    assert.equal(found.faults, []);
    const { size } = found;
    assert.ok(size > 30, `${size}`);
    const pairs = (size * (size + 1)) / 2;
    assert.equal(found, {
      origin: context.given['key.txt'].split('+')[0],
      ...{ size, events: size, inclusion: pairs, consistency: pairs, report: true, faults: [] },
    });
  });

  const tampered: readonly [
    what: string,
    file: keyof Given,
    change: (text: string) => string,
    fault: RegExp,
  ][] = [
    [
      'a letter of an event',
      'export.ndjson',
      (text) => text.replace('"RegistryUnlocked"', '"RegistryUnlockeD"'),
      /^the root of/,
    ],
    [
      'an event left out',
      'export.ndjson',
      (text) => text.replace(/\n[^\n]*\n/, '\n'),
      /^the root of/,
    ],
    [
      'two events swapped',
      'export.ndjson',
      (text) => text.replace(/^(.*)\n(.*)\n/, '$2\n$1\n'),
      /^the root of/,
    ],
    [
      'the size of the checkpoint',
      'checkpoint.txt',
      (text) => text.replace(/\n(\d+)\n/, '\n1$1\n'),
      /^checkpoint: invalid signature/,
    ],
    [
      'another key',
      'key.txt',
      () => 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
      /^checkpoint: note has no verifiable signatures/,
    ],
    [
      'a hash of a proof',
      'proofs.json',
      (text) => text.replace(/("hashes":\[")[A-Za-z0-9+/]{4}/, '$1AAAA'),
      /^inclusion of/,
    ],
    [
      'the report',
      'report.json',
      (text) => text.replace('"denied":1', '"denied":0'),
      /^report: invalid signature/,
    ],
  ];
  for (const [what, file, change, fault] of tampered)
    test(`it would have seen: ${what}`, async (context) => {
      const before = context.given[file];
      assert.is.not(change(before), before);
      const { faults } = await checked(context, { ...context.given, [file]: change(before) });
      assert.match(faults[0] ?? '', fault);
    });
}

test.run();
