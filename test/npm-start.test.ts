/**
 * `npm start` is what people and their supervisors run: a signal to it has to reach the service. npm passes it
 * to its child alone: by `exec` that is the service, and no shell that dies in its place. Windows knows no
 * `exec`, and takes what stands after `||`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { newFolder, removeFolder } from './support/process.ts';
import { assert, suite } from './support/suite.ts';

const patienceMs = 60_000;
const test = suite<{ dataDir: string }>('npm start');
test.before(async (context) => {
  context.dataDir = await newFolder();
});
test.after(({ dataDir }) => removeFolder(dataDir));

const isUp = (url: string) =>
  fetch(`${url}/healthz`).then(
    () => true,
    () => false,
  );

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  test(`${signal} to npm stops the service, exit 0`, async ({ dataDir }) => {
    const child = spawn('npm', ['start'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      // A group of its own, so that nothing of it is left when the test fails.
      detached: true,
      env: {
        PATH: process.env.PATH,
        GATEBOOK_DATA_DIR: dataDir,
        GATEBOOK_ADMIN_PASSWORD: 'a password of eleven words',
        GATEBOOK_HTTP_PORT: '0',
        GATEBOOK_MQTT_PORT: 'off',
        GATEBOOK_MQTT_WS_PORT: 'off',
      },
    });
    const endAll = () => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // Nobody is left.
      }
    };
    const guard = setTimeout(endAll, patienceMs);
    const exited = once(child, 'exit');
    let url = '';
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes('"msg":"ready"')) continue;
      url = JSON.parse(line).http;
      child.kill(signal);
      break;
    }
    const [code] = await exited;
    clearTimeout(guard);
    const isLeft = await isUp(url);
    endAll();
    assert.equal([code, isLeft], [0, false]);
  });

test.run();
