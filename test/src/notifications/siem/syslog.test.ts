/** The text of one message, by RFC 5424; and how loud each event is. */
import { readdirSync, readFileSync } from 'node:fs';
import { ndjsonLine } from '../../../../src/notifications/siem/ndjson.ts';
import { siemRecord } from '../../../../src/notifications/siem/record.ts';
import { severities, severityOf } from '../../../../src/notifications/siem/severity.ts';
import { syslogMessage } from '../../../../src/notifications/siem/syslog.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('syslog messages');

const event = {
  eventId: '6f2b1c0e-9a54-4f0e-8d7e-000000000001',
  type: 'RoleDefined',
  stream: 'role-presses',
  revision: 0,
  position: '00000000000000000007',
  data: { name: 'presses', at: '2026-11-29T10:00:00.000Z', note: 'zwölf\n"Pressen"' },
  metadata: { correlationId: 'c', causationId: null },
};
const logId = '0b8f5a52-5d3e-4a33-9df5-1f3a3c2b7a10';
const leaf =
  '{"data":{"at":"2026-11-29T10:00:00.000Z","name":"presses","note":"zwölf\\n\\"Pressen\\""},"eventId":"6f2b1c0e-9a54-4f0e-8d7e-000000000001","metadata":{"causationId":null,"correlationId":"c"},"revision":0,"stream":"role-presses","type":"RoleDefined"}';
// printf '\0%s' "$leaf" | sha256sum
const hash = 'c92c5aeb9aa7addb5383799e7bacced40b9b7e6ed44383d159336508556f674f';

test('a message has time, host, type, the place in the proof, and the leaf as its text', () => {
  const message = syslogMessage(siemRecord(event, 41), { hostname: 'gate.plant', logId });
  assert.is(
    message,
    `<109>1 2026-11-29T10:00:00.000Z gate.plant gatebook - RoleDefined [gatebook@32473 index="41" hash="${hash}" position="00000000000000000007" log="${logId}"] ${leaf}`,
  );
});

test('what a header cannot hold is left out, and nothing is a dash', () => {
  const { at: _at, ...data } = event.data;
  const record = siemRecord({ ...event, data, type: 'T'.repeat(40) }, 0);
  const message = syslogMessage(record, { hostname: ' ü', logId: 'a"]\\b' });
  assert.match(message, new RegExp(`^<110>1 - - gatebook - ${'T'.repeat(32)} \\[`));
  assert.ok(message.includes('log="a\\"\\]\\\\b"] {'));
});

test('a line of NDJSON is JSON, and ends with the leaf as it was hashed', () => {
  const line = ndjsonLine(siemRecord(event, 41), logId);
  const { leaf: parsed, ...place } = JSON.parse(line);
  assert.equal(place, { index: 41, hash, position: event.position, log: logId });
  assert.equal(parsed.data, event.data);
  assert.ok(line.endsWith(`,"leaf":${leaf}}\n`));
});

test('each event that is more than information is one that there is', () => {
  const domain = new URL('../../../../domain/', import.meta.url);
  const text = readdirSync(domain, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(new URL(name, domain), 'utf8'))
    .join('');
  for (const type of severities.keys()) assert.ok(text.includes(`event('${type}'`), type);
  assert.is(severityOf('AdministratorReset'), 4);
  assert.is(severityOf('CredentialActivated'), 6);
});

test.run();
