/** Hostile requests by the thousand: each is answered, soon, and none is taken that does not prove its key. */
import { randomInt } from 'node:crypto';
import { readCsr } from '../../../../src/credentials/certificates/csr.ts';
import { hostileCsrs } from '../../../support/hostile-csr.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('hostile certificate signing requests');

const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
const count = Number(process.env.FUZZ_COUNT ?? 3_000);
const username = 'press-7';

test(`${count} of them, seed ${seed}`, () => {
  const slowest = { ms: 0, text: '' };
  let taken = 0;
  const texts = hostileCsrs(seed, username);
  for (let left = count; left > 0; left--) {
    const text = texts.next().value;
    const before = performance.now();
    const { key, fault } = readCsr(text, username);
    const ms = performance.now() - before;
    if (ms > slowest.ms) Object.assign(slowest, { ms, text });
    if (key === null) assert.ok(fault);
    else taken += 1;
  }
  // What is broken in the signature's own bytes alone is still refused: only a break that breaks nothing is left.
  assert.ok(taken < count / 100, `${taken} were taken (FUZZ_SEED=${seed})`);
  // No time is asserted that a busy machine could miss: a second is no matter of milliseconds.
  assert.ok(slowest.ms < 1_000, `${slowest.ms} ms (FUZZ_SEED=${seed}): ${slowest.text}`);
  if (process.env.FUZZ_COUNT)
    console.log(`slowest ${slowest.ms.toFixed(2)} ms, ${taken} taken unbroken`);
});

test.run();
