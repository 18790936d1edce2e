/** A disk that gets full is told of before it is: by readiness, a metric and the log. */

import { parseConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/fault.ts';
import { createDiskSpace } from '../../../src/jobs/disk-space.ts';
import { createLogger } from '../../../src/logger.ts';
import { startRegistry } from '../../support/service.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('disk space');

test('a disk without the room that was asked for is a check of its own, and a metric', async () => {
  const world = await startRegistry({ GATEBOOK_DISK_FREE_MIN: '900000TB' });
  try {
    const { status, body } = await world.call('GET', '/readyz');
    assert.is(status, 503);
    assert.is(body.checks.disk, 'down');
    assert.is(body.checks.store, 'up');
    const metrics = await world.call('GET', '/metrics');
    assert.match(metrics.body, /^gatebook_disk_free_bytes \d{6,}/m);
    const said = world.lines.filter((line) => line.includes('The disk is nearly full'));
    assert.is(said.length, 1);
    assert.match(said[0] ?? '', /GATEBOOK_DISK_FREE_MIN/);
    await world.restart({ GATEBOOK_DISK_FREE_MIN: '1MB' });
    assert.is((await world.call('GET', '/readyz')).body.checks.disk, 'up');
  } finally {
    await world.stop();
  }
});

test('once when it gets scarce, and once when there is room again', async () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  const frees: (number | Error)[] = [500, 99, 98, 100, new Error('no statfs here')];
  const look = async () => {
    const free = frees.shift() ?? 0;
    if (free instanceof Error) throw free;
    return free;
  };
  const disk = createDiskSpace({ folder: '/data', minBytes: 100, logger, look });
  const states: string[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await disk.begin();
    states.push(disk.status());
  }
  assert.equal(states, ['up', 'down', 'down', 'up', 'up']);
  assert.equal(
    lines.map((line) => JSON.parse(line).msg),
    ['The disk is nearly full', 'There is room on the disk again'],
  );
  assert.is(disk.freeBytes(), null);
});

test('sizes are read with their unit, and off is none', () => {
  const of = (text: string) => parseConfig({ GATEBOOK_DISK_FREE_MIN: text }).diskFreeMinBytes;
  assert.equal(['off', '100MB', '2GB', '512KB', '1TB'].map(of), [0, 1e8, 2e9, 512e3, 1e12]);
  for (const wrong of ['100', '-1MB', '1.5GB', '5 MB', 'MB', '1EB'])
    assert.throws(
      () => of(wrong),
      (error: Error) => error instanceof ConfigError,
    );
});

test.run();
