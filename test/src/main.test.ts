import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/logger.ts';
import { startService } from '../../src/main.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('main');

test('a start whose port is taken says so and lets go of everything, so that the next one on the same folder runs', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gatebook-'));
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const taken = (other.address() as AddressInfo).port;
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => lines.push(line) });
  const onPort = (port: number) =>
    parseConfig({
      ...{
        GATEBOOK_HTTP_PORT: String(port),
        GATEBOOK_HTTPS_PORT: 'off',
        GATEBOOK_DATA_DIR: dataDir,
      },
      ...{ GATEBOOK_MQTT_PORT: '0', GATEBOOK_MQTT_WS_PORT: 'off' },
    });
  try {
    const fault = await startService(onPort(taken), logger).then(String, String);
    assert.match(fault, /EADDRINUSE/);
    assert.not(lines.some((line) => JSON.parse(line).msg === 'ready'));
    const running = await startService(onPort(0), logger);
    await running.stop();
    assert.equal(JSON.parse(lines.at(-1) ?? '{}').msg, 'ready');
  } finally {
    other.close();
    await rm(dataDir, { recursive: true, force: true });
  }
});

test.run();
