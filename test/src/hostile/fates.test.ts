/** The fates of a hostile registry: the same for the same seed, and of every kind. */
import { type DoorFate, fatesOf } from '../../../src/hostile/fates.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('hostile fates');

const doorFates = (seed: string, count: number): DoorFate[] => {
  const fates = fatesOf(seed);
  return Array.from({ length: count }, () => fates.door());
};

test('the same seed brings the same, another one another', () => {
  assert.equal(doorFates('7', 50), doorFates('7', 50));
  assert.not.equal(doorFates('7', 50), doorFates('8', 50));
});

test('what happens at one place changes nothing at another', () => {
  const fates = fatesOf('7');
  const mixed = Array.from({ length: 20 }, () => {
    fates.connection();
    fates.isImpostor();
    return fates.door();
  });
  assert.equal(mixed, doorFates('7', 20));
});

test('every kind comes, and a client gets in by and by', () => {
  const all = doorFates('every', 2_000);
  const share = (is: (fate: DoorFate) => boolean) => all.filter(is).length / all.length;
  for (const what of [
    ...['heard', 'made-up', 'cut', 'broken-off', 'registry-locked', 'source-throttled'],
    ...['window-full', 'store-unavailable', 'hashing-busy', 'stopping', 'internal-error'],
  ])
    assert.ok(share((fate) => fate.what === what) > 0.01, what);
  assert.ok(share(({ what }) => what === 'heard') > 0.4);
  assert.ok(share(({ delayMs }) => delayMs > 30_000) > 0.01);
  assert.ok(share(({ retryAfter }) => retryAfter?.isDate === true) > 0.2);
  assert.ok(share(({ retryAfter }) => (retryAfter?.seconds ?? 0) >= 120) > 0.03);
  assert.ok(share(({ retryAfter }) => retryAfter === null) > 0.05);
  const skews = Array.from({ length: 40 }, (_, at) => doorFates(`${at}`, 1)[0]?.skewMs ?? 0);
  assert.ok(skews.some((ms) => ms === 0) && skews.some((ms) => Math.abs(ms) > 3_600_000));
});

test('connections are dropped at once, later, or not at all; some handshakes are an impostor’s', () => {
  const fates = fatesOf('7');
  const cuts = Array.from({ length: 200 }, () => fates.connection());
  assert.ok(cuts.includes(null) && cuts.includes(0) && cuts.some((ms) => (ms ?? 0) > 0));
  const impostors = Array.from({ length: 200 }, () => fates.isImpostor()).filter(Boolean).length;
  assert.ok(impostors > 15 && impostors < 80, `${impostors}`);
});

test.run();
