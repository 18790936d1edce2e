import type { z } from 'zod';
import {
  Actor,
  Id,
  Instant,
  Note,
  PairingId,
  Reason,
  RoleName,
  system,
  Username,
} from '../../domain/values.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('values');

const cases: readonly [string, z.ZodType, readonly unknown[], readonly unknown[]][] = [
  [
    'username',
    Username,
    ['abc', 'A.b_c@d:e-f', '0-9', 'x'.repeat(128)],
    [
      'ab',
      '',
      'x'.repeat(129),
      '-abc',
      '.abc',
      '_abc',
      '@abc',
      'a b',
      'a/b',
      'a#b',
      'a+b',
      'a$b',
      'äbc',
      'abc\n',
      'abc\0',
      7,
      null,
    ],
  ],
  [
    'role name',
    RoleName,
    ['a', 'press.v2_x-1', 'x'.repeat(64)],
    ['', 'x'.repeat(65), '-a', 'a b', 'a:b', 'a@b', 'a\n', 'ä'],
  ],
  [
    'id',
    Id,
    ['00000000-0000-4000-8000-000000000001'],
    ['', 'x', '00000000000040008000000000000001'],
  ],
  [
    'instant',
    Instant,
    [
      '2026-11-23T10:00:00.000Z',
      '2024-02-29T23:59:59.999Z',
      '2026-02-28T00:00:00.000Z',
      '2026-04-30T00:00:00.000Z',
      '2026-01-31T24:00:00.000Z',
    ],
    [
      '2026-11-23T10:00:00Z',
      '2026-11-23T10:00:00.000+00:00',
      '2026-13-01T00:00:00.000Z',
      '2026-01-01T25:00:00.000Z',
      '2026-01-01T10:60:00.000Z',
      '2026-01-01T10:00:60.000Z',
      '2026-00-01T10:00:00.000Z',
      '2026-01-00T10:00:00.000Z',
      '2026-01-32T10:00:00.000Z',
      '2026-01-01',
      '',
      '2026-11-23t10:00:00.000z',
      0,
    ],
  ],
  ['pairing id', PairingId, ['00ff1a'], ['00FF1A', '00ff1', '00ff1ab', 'g00000', '']],
  [
    'reason',
    Reason,
    ['', 'ok', 'ü'.repeat(1_000), 'two\nlines', '🚪'],
    ['x'.repeat(1_001), 'a\0b', '\ud800', null],
  ],
  ['note', Note, [''], ['\udc00']],
  [
    'actor',
    Actor,
    [system, { kind: 'user', name: 'x'.repeat(128) }],
    [
      { kind: 'user', name: '' },
      { kind: 'robot', name: 'x' },
      { kind: 'user', name: 'x'.repeat(129) },
    ],
  ],
];
for (const [name, schema, good, bad] of cases) {
  test(`${name}: what is one`, () => {
    for (const value of good)
      assert.equal(schema.safeParse(value).data, value, JSON.stringify(value));
  });
  test(`${name}: what is none`, () => {
    for (const value of bad) assert.not.ok(schema.safeParse(value).success, JSON.stringify(value));
  });
}

test('instants sort as text', () => {
  const instants = [
    '2026-01-01T00:00:00.000Z',
    '2026-01-01T00:00:00.001Z',
    '2026-01-02T00:00:00.000Z',
    '2027-01-01T00:00:00.000Z',
  ];
  assert.equal([...instants].reverse().sort(), instants);
  assert.equal(
    instants.map((text) => new Date(Date.parse(text)).toISOString()),
    instants,
  );
});

test.run();
