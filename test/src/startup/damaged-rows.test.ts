/** Rows that are damaged are said to be, by file and remedy, and made anew from the log. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { startService } from '../../../src/main.ts';
import { rebuildReadModels } from '../../../src/startup/read-models.ts';
import { newFolder, removeFolder } from '../../support/process.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('damaged rows');
const logger = createLogger({ level: 'error', write: () => undefined });

test('a start names file and remedy, and rebuild is the remedy', async () => {
  const dataDir = await newFolder();
  const config = parseConfig({
    ...{ GATEBOOK_DATA_DIR: dataDir, GATEBOOK_HTTP_PORT: '0', GATEBOOK_HTTPS_PORT: 'off' },
    ...{ GATEBOOK_MQTT_PORT: 'off', GATEBOOK_MQTT_WS_PORT: 'off' },
  });
  try {
    const running = await startService(config, logger);
    const { stateHash } = await running.app.readModels.state();
    await running.stop();
    writeFileSync(join(dataDir, 'read-models.sqlite'), Buffer.alloc(8_192, 'x'));
    const refused = await startService(config, logger).then(
      () => '',
      (error) => String(error),
    );
    assert.match(refused, /read-models\.sqlite is damaged .* gatebook rebuild/);
    const rebuilt = await rebuildReadModels(config, () => undefined);
    assert.equal([rebuilt.before, rebuilt.stateHash], [null, stateHash]);
    await (await startService(config, logger)).stop();
  } finally {
    await removeFolder(dataDir);
  }
});

test.run();
