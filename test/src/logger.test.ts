import fc from 'fast-check';
import { createLogger, type LogLevel } from '../../src/logger.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('log');
const now = () => new Date('2026-11-23T10:00:00.000Z');

/** A log whose lines can be looked at. */
function logTo(level: LogLevel, pretty = false) {
  const lines: string[] = [];
  const logger = createLogger({ level, pretty, now, write: (line) => lines.push(line) });
  return { logger, lines };
}

test('a line is one JSON object with time, level and msg first', () => {
  const { logger, lines } = logTo('info');
  logger.info('registered', { username: 'press-17', count: 3, none: null });
  assert.equal(lines, [
    '{"time":"2026-11-23T10:00:00.000Z","level":"info","msg":"registered","username":"press-17","count":3,"none":null}\n',
  ]);
});

test('what is below the level is not written; ready always is', () => {
  const { logger, lines } = logTo('error');
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  logger.error('d');
  logger.info('ready', { http: 'http://127.0.0.1:8080' });
  assert.equal(
    lines.map((line) => JSON.parse(line).msg),
    ['d', 'ready'],
  );
});

test('fields that cost something are made for lines that are written, and for no others', () => {
  const { logger, lines } = logTo('info');
  logger.debug('a', () => {
    throw new Error('made for nobody');
  });
  logger.info('b', () => ({ count: 1 }));
  assert.equal(
    lines.map((line) => JSON.parse(line).count),
    [1],
  );
});

test('an error is logged with name, message, code, stack and cause', () => {
  const { logger, lines } = logTo('info');
  const cause = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
  logger.error('append failed', { error: new TypeError('no', { cause }) });
  const { error } = JSON.parse(lines[0] ?? '');
  assert.equal([error.name, error.message], ['TypeError', 'no']);
  assert.match(error.stack, /logger\.test\.ts/);
  assert.equal([error.cause.message, error.cause.code], ['disk full', 'ENOSPC']);
});

test('a secret does not reach a line, by its name or by its shape', () => {
  const { logger, lines } = logTo('info');
  const secret = 'hunter2hunter2';
  logger.error(`could not connect to kurrentdb://user:${secret}@host`, {
    password: secret,
    adminPassword: secret,
    headers: { authorization: `Bearer ${secret}`, cookie: secret },
    registrationToken: secret,
    error: new Error(`refused gbs_${secret} and v4.public.${secret} and Bearer ${secret}`),
    text: `$argon2id$v=19$${secret}`,
    pem: `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
    paserk: `k4.secret.${secret}`,
    bytes: Buffer.from(secret),
    tokenId: 'an id is no secret',
  });
  assert.not.match(lines[0] ?? '', secret);
  assert.match(lines[0] ?? '', 'an id is no secret');
});

test('a field does not take the place of time, level or msg', () => {
  const { logger, lines } = logTo('info');
  logger.info('real', { msg: 'forged', level: 'error', time: 'never', other: 1 });
  assert.equal(JSON.parse(lines[0] ?? ''), {
    time: '2026-11-23T10:00:00.000Z',
    level: 'info',
    msg: 'real',
    other: 1,
  });
});

test('on a terminal a line is readable, obeys nothing, and ready stays JSON', () => {
  const { logger, lines } = logTo('info', true);
  logger.warn('refused \x1b[2J', { username: 'a\nb\u009b', error: new Error('broken') });
  logger.info('ready', { http: 'http://127.0.0.1:8080' });
  const [line = ''] = lines;
  assert.match(line, String.raw`  warn   refused \x1b[2J  username="a\nb\x9b"  `);
  assert.not.match(line.replaceAll('\n', ''), /\p{Cc}/u);
  assert.match(lines[0] ?? '', 'error="Error: broken"\n    Error: broken\n    at ');
  assert.is(JSON.parse(lines[1] ?? '').msg, 'ready');
});

test('whatever is logged, one line of bounded JSON comes out and nothing is thrown', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.dictionary(fc.string(), fc.anything()),
      (msg, fields) => {
        const { logger, lines } = logTo('info');
        logger.info(msg, fields);
        assert.is(lines.length, 1);
        assert.is(typeof JSON.parse(lines[0] ?? ''), 'object');
        assert.is(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1);
      },
    ),
  );
  const { logger, lines } = logTo('info');
  const circle: Record<string, unknown> = { big: 1n, call: () => 1, symbol: Symbol('x') };
  circle.self = circle;
  const broken = {
    get value() {
      throw new Error('no');
    },
  };
  logger.info('odd', { circle, broken, date: new Date(Number.NaN), long: 'x'.repeat(1_000_000) });
  assert.ok((lines[0]?.length ?? 0) < 10_000);
});

test.run();
