import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../../src/logger.ts';
import { sendCheckpoint } from '../../../src/notifications/checkpoint-webhook.ts';
import { webhookSignature } from '../../../src/notifications/messages.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('checkpoint webhook');

const published = { origin: 'gatebook/log', size: 7, rootHash: 'AAAA', note: 'a note\n' };
const at = '2026-01-01T00:00:00.000Z';

test('a checkpoint is sent signed; a receiver that fails is warned of, and nothing throws', async () => {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  let status = 204;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    got.push({ headers: request.headers, body });
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const secret = `whsec_${Buffer.alloc(24, 3).toString('base64')}`;
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  try {
    await sendCheckpoint({ url, secret, cloudEventsSource: null }, published, at, logger);
    const [first] = got;
    assert.equal(JSON.parse(first?.body ?? ''), {
      event: 'checkpoint.published',
      at,
      data: published,
    });
    const timestamp = Number(first?.headers['webhook-timestamp']);
    assert.is(
      first?.headers['webhook-signature'],
      webhookSignature(secret, 'checkpoint-7', timestamp, first?.body ?? ''),
    );
    const cloudEventsSource = 'https://gate.example';
    await sendCheckpoint({ url, secret, cloudEventsSource }, published, at, logger);
    assert.is(JSON.parse(got[1]?.body ?? '').type, 'gatebook.checkpoint.published');
    assert.equal(lines, []);
    status = 500;
    await sendCheckpoint({ url, secret: null, cloudEventsSource: null }, published, at, logger);
    assert.match(lines.join(''), /could not be sent[^\n]*answered 500/);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await sendCheckpoint({ url, secret: null, cloudEventsSource: null }, published, at, logger);
  assert.is(lines.length, 2);
  assert.not.match(lines.join(''), /127\.0\.0\.1/);
  await sendCheckpoint(null, published, at, logger);
});

test.run();
