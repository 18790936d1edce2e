import { type Conditions, type LiesIn, nameFits, unmet } from '../../domain/conditions.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('conditions');

/** Networks by the beginning of an address, as no real one is written. */
const liesIn: LiesIn = (networks, address) =>
  address !== null && networks.some((network) => address.startsWith(network));

const everybody: Conditions = { usernamePattern: null, sources: [] };
const presses = { ...everybody, usernamePattern: 'press-*' };
const hall = { ...everybody, sources: ['10.4.', 'fd00:'] };
const both = { ...presses, sources: hall.sources };

// biome-ignore format: a table reads as a table
const table: readonly [Conditions, string, string | null, ReturnType<typeof unmet>][] = [
  [everybody, 'oven-1', null, null],         [everybody, 'oven-1', '10.9.0.1', null],
  [presses, 'press-1', null, null],          [presses, 'oven-1', '10.4.0.1', 'name'],
  [hall, 'oven-1', '10.4.0.1', null],        [hall, 'oven-1', 'fd00::1', null],
  [hall, 'oven-1', '10.9.0.1', 'source'],    [hall, 'oven-1', null, 'source'],
  [both, 'press-1', '10.4.0.1', null],       [both, 'press-1', '10.9.0.1', 'source'],
  [both, 'oven-1', '10.4.0.1', 'name'],      [both, 'oven-1', null, 'name'],
];
for (const [conditions, username, source, expected] of table)
  test(`${username} from ${source} ${expected === null ? 'fulfils' : `fails by ${expected} at`} ${JSON.stringify(conditions)}`, () => {
    assert.is(unmet(conditions, { username, source }, liesIn), expected);
    assert.is(nameFits(conditions, username), expected !== 'name');
  });

test.run();
