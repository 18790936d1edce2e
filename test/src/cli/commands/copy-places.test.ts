/** Where `copy` copies to is what was typed, or nothing is touched; and a seal made by mistake comes off. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { assert, suite } from '../../../support/suite.ts';
import { type Gatebook, gatebook, said } from '../gatebook.ts';

const test = suite<{ gate: Gatebook; data: string }>('cli copy, places');
test.before.each(async (world) => {
  world.gate = gatebook();
  world.data = join(world.gate.folder, 'data');
  await starts(world.gate);
});
test.after.each(({ gate }) => gate.clean());

/** The service starts on the folder, and stops. */
async function starts(gate: Gatebook, dataDir = join(gate.folder, 'data')): Promise<void> {
  gate.environment.GATEBOOK_DATA_DIR = dataDir;
  gate.environment.GATEBOOK_KEYS_DIR = join(gate.folder, 'keys');
  const service = await gate.serve();
  service.child.kill('SIGTERM');
  assert.is((await service.ended).exitCode, 0);
}

test('sqlite:FOLDER is that folder', async ({ gate, data }) => {
  const target = join(gate.folder, 'x');
  said(await gate.run('copy', '--from', `sqlite:${data}`, '--to', `sqlite:${target}`));
  assert.ok(existsSync(join(target, 'log.sqlite')));
  await starts(gate, target);
});

test('any other scheme is a usage fault, and nothing is sealed or made', async ({ gate, data }) => {
  for (const place of [
    ...['sqlite:///x', 'sqlite:', 'postgres://localhost/x', 'file:/x', 'kurrentdb:localhost'],
    ...['http://localhost:2113', 'KURRENTDB://localhost:2113', 'sqlite3:x', 'esdb+discover:/x'],
  ])
    for (const [from, to] of [
      [data, place],
      [place, join(gate.folder, 'y')],
    ]) {
      const ran = await gate.run('copy', '--from', from ?? '', '--to', to ?? '');
      assert.is(ran.exitCode, 2, `${from} ${to}: ${ran.stderr}`);
      assert.match(
        ran.stderr,
        /is no place for a log.*\nGive a folder, sqlite:FOLDER or kurrentdb:/,
      );
      assert.not.match(ran.stderr, / {4}at /);
    }
  assert.not(existsSync(join(gate.folder, 'y')));
  assert.not(existsSync(join(gate.folder, 'sqlite:')));
  await starts(gate);
});

test('a seal made by mistake is lifted, and the copy is sealed instead', async ({ gate, data }) => {
  const target = join(gate.folder, 'mistaken');
  said(await gate.run('copy', '--from', data, '--to', target));
  const sealed = await gate.run('serve');
  assert.is(sealed.exitCode, 1);
  assert.match(sealed.stderr, /gatebook copy --unseal/);

  const unnamed = await gate.run('copy', '--unseal', '--from', data);
  assert.is(unnamed.exitCode, 2);
  assert.match(unnamed.stderr, /--to.*--copy-is-gone/);
  const text = said(await gate.run('copy', '--unseal', '--from', data, '--to', target));
  assert.match(text, /^The seal is lifted/);
  said(await gate.run('copy', '--unseal', '--from', data, '--to', target));
  await starts(gate, data);
  gate.environment.GATEBOOK_DATA_DIR = target;
  assert.is((await gate.run('serve')).exitCode, 1, 'never two that live');
});

test('a copy that has gone on keeps its source sealed', async ({ gate, data }) => {
  const target = join(gate.folder, 'moved');
  said(await gate.run('copy', '--from', data, '--to', target));
  gate.environment.GATEBOOK_DATA_DIR = target;
  said(await gate.run('reset-administrator', 'ada'));
  const refused = await gate.run('copy', '--unseal', '--from', data, '--to', target);
  assert.is(refused.exitCode, 1);
  assert.match(refused.stderr, /Not unsealed: the copy has gone on/);
  await starts(gate, target);
  gate.environment.GATEBOOK_DATA_DIR = data;
  assert.is((await gate.run('serve')).exitCode, 1);
});

test('where the copy is gone, that is said and believed', async ({ gate, data }) => {
  said(await gate.run('copy', '--from', data, '--to', join(gate.folder, 'gone')));
  said(await gate.run('copy', '--unseal', '--from', data, '--copy-is-gone'));
  await starts(gate, data);
});

test.run();
