import fc from 'fast-check';
import { z } from 'zod';
import { allProjections } from '../../../src/read-models/all.ts';
import { parserOf } from '../../../src/store/event-parser.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('stored events, parsed by code made for them');

/** The schemas that the read models parse by, each once; unions by their kinds too, so that each kind is tried as often. */
const schemas = [
  ...new Set(
    allProjections.flatMap(({ Event, eventsOf = {} }: { Event: z.ZodType; eventsOf?: object }) => [
      Event,
      ...(Object.values(eventsOf) as z.ZodType[]),
    ]),
  ),
];

/** Something for each form that a text of an event has, at its edges and beyond them. */
const texts = [
  ...['press-07', 'pr', 'a'.repeat(128), 'a'.repeat(129), '', 'x', ' ', 'a\0b', '\ud800', 'Zürich'],
  ...[
    '01020304-0506-4708-890a-0b0c0d0e0f10',
    '01020304-0506-9708-890a-0b0c0d0e0f10',
    'a'.repeat(64),
  ],
  ...[
    '2026-01-01T00:00:00.000Z',
    '2026-02-31T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01',
  ],
  ...[
    '00ff00',
    '0f',
    '4'.repeat(32),
    '4'.repeat(20),
    'MIIB',
    'MII',
    '10.0.0.0/8',
    'fd00::/8',
    '10.0.0.0/33',
  ],
  ...['x'.repeat(512), 'x'.repeat(513), 'x'.repeat(1_001), 'é'.repeat(1_000), '😀'.repeat(600)],
  ...[
    `plant/\${username}/#`,
    'a/#/b',
    'a+/b',
    '/api/*',
    'GET /api/clients',
    'embedded',
    '^a$',
    '09:00',
  ],
  ...['Europe/Vienna', 'administrator', '__proto__', '/admin', '${', '2026-12-31', '60'],
];
const odd = [
  null,
  undefined,
  true,
  0,
  -1,
  1.5,
  2,
  Number.MAX_SAFE_INTEGER + 1,
  NaN,
  [],
  {},
  [[]],
  new Date(0),
];

type Gen = <Value>(arbitrary: () => fc.Arbitrary<Value>) => Value;
const some = (g: Gen, percent: number) => g(() => fc.integer({ min: 1, max: 100 })) <= percent;
const one = <Value>(g: Gen, values: readonly Value[]): Value =>
  values[g(() => fc.nat(values.length - 1))] as Value;

type Inner = z.ZodType & { readonly def: Readonly<Record<string, unknown>> };

/** Mostly a value that fits where the schema has a form that is told of here, and sometimes any other. */
function madeFor(g: Gen, schema: z.ZodType, oddPercent: number): unknown {
  if (some(g, oddPercent)) return one<unknown>(g, [...odd, ...texts]);
  const { def } = schema as Inner;
  const inner = (name: string) => madeFor(g, def[name] as z.ZodType, oddPercent);
  switch (schema.type) {
    case 'object':
      return objectOf(g, def['shape'] as Readonly<Record<string, z.ZodType>>, oddPercent);
    case 'union':
      return madeFor(g, one(g, def['options'] as readonly z.ZodType[]), oddPercent);
    case 'array':
      return Array.from({ length: g(() => fc.nat(2)) }, () => inner('element'));
    case 'nullable':
      return some(g, 30) ? null : inner('innerType');
    case 'optional':
    case 'default':
      return inner('innerType');
    case 'record':
      return { [one(g, texts)]: inner('valueType') };
    case 'literal':
      return one(g, def['values'] as readonly unknown[]);
    case 'enum':
      return one(g, Object.values(def['entries'] as object));
    default:
      return fitting(g, schema);
  }
}

const all = [...texts, ...odd, 1, 60_000, 3_600_000];
const known = new Map<z.ZodType, readonly unknown[]>();

function fitting(g: Gen, schema: z.ZodType): unknown {
  const fit = known.get(schema) ?? all.filter((value) => schema.safeParse(value).success);
  known.set(schema, fit);
  return one(g, fit.length > 0 ? fit : all);
}

function objectOf(g: Gen, shape: Readonly<Record<string, z.ZodType>>, oddPercent: number): object {
  const members = Object.entries(shape).flatMap(([name, schema]): [string, unknown][] => {
    const leaves = schema.type === 'optional' ? 50 : oddPercent / 2;
    return some(g, leaves) ? [] : [[name, madeFor(g, schema, oddPercent)]];
  });
  const more = some(g, 10) ? [[one(g, ['more', '__proto__', '1']), one(g, odd)] as const] : [];
  // In whatever order they come, as JSON gives them.
  const ordered = some(g, 30) ? [...more, ...members.reverse()] : [...members, ...more];
  return Object.fromEntries(ordered);
}

interface Verdict {
  readonly data?: unknown;
  /** With the order of its members. */
  readonly text?: string | undefined;
  readonly issues?: unknown;
}

function verdictOf(parse: (value: unknown) => unknown, value: unknown): Verdict {
  try {
    const data = parse(value);
    return { data, text: JSON.stringify(data) };
  } catch (error) {
    if (error instanceof z.ZodError) return { issues: error.issues };
    throw error;
  }
}

const kinds = schemas.flatMap((schema) =>
  schema instanceof z.ZodDiscriminatedUnion
    ? schema.options.map((kind) => ({ schema, kind: kind as z.ZodType }))
    : [{ schema, kind: schema }],
);

for (const { schema, kind } of kinds) {
  const { shape } = kind as z.ZodObject;
  const name = shape === undefined ? 'a union' : (shape['type'] as z.ZodLiteral).value;
  test(`${name ?? 'an event of any kind'} has zod's own verdict`, () => {
    const counted = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.gen(), fc.constantFrom(0, 0, 3, 20), (g, oddPercent) => {
        const value = madeFor(((arbitrary) => g(arbitrary)) as Gen, kind, oddPercent);
        const zods = verdictOf((event) => schema.parse(event), value);
        assert.equal(verdictOf(parserOf(schema), value), zods);
        counted[zods.issues === undefined ? 'accepted' : 'refused'] += 1;
      }),
      { numRuns: 150 },
    );
    assert.ok(counted.accepted >= 10, `${counted.accepted} were accepted`);
    assert.ok(counted.refused >= 10, `${counted.refused} were refused`);
  });
}

test('what is no event at all is refused as zod refuses it', () => {
  for (const schema of schemas)
    for (const value of [...odd, ...texts, { type: 'Unheard' }, { data: {} }, { type: {} }])
      assert.equal(
        verdictOf(parserOf(schema), value),
        verdictOf((v) => schema.parse(v), value),
      );
});

test.run();
