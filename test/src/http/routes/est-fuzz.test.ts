/** What strangers send to EST, broken in every way: each CSR and each Basic is answered, soon, and none is taken for another's. */
import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { readNamedCsr } from '../../../../src/credentials/certificates/csr.ts';
import { basicOf } from '../../../../src/http/request/basic.ts';
import { Problem } from '../../../../src/http/response/problem.ts';
import { hostileCsrs, numbersFrom } from '../../../support/hostile-csr.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('hostile EST');

const seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31));
const count = Number(process.env.FUZZ_COUNT ?? 3_000);
const username = 'press-7';

const withoutFrame = (text: string) => text.replaceAll(/-----[^-]*-----/g, '');

test(`${count} CSRs, seed ${seed}`, () => {
  const slowest = { ms: 0, text: '' };
  let taken = 0;
  const texts = hostileCsrs(seed, username);
  for (let left = count; left > 0; left--) {
    const text = withoutFrame(texts.next().value);
    const before = performance.now();
    const read = readNamedCsr(text);
    const ms = performance.now() - before;
    if (ms > slowest.ms) Object.assign(slowest, { ms, text });
    if (read.fault === null) {
      taken += 1;
      assert.is(read.username, username, `FUZZ_SEED=${seed}: ${text}`);
    } else assert.ok(read.fault, text);
  }
  assert.ok(taken < count / 100, `${taken} were taken (FUZZ_SEED=${seed})`);
  // No time is asserted that a busy machine could miss: a second is no matter of milliseconds.
  assert.ok(slowest.ms < 1_000, `${slowest.ms} ms (FUZZ_SEED=${seed}): ${slowest.text}`);
  if (process.env.FUZZ_COUNT)
    console.log(`EST: slowest ${slowest.ms.toFixed(2)} ms, ${taken} taken unbroken`);
});

test(`${count} Basic credentials, seed ${seed}`, () => {
  const next = numbersFrom(seed);
  const bytes = (length: number) => Buffer.from(Array.from({ length }, () => next(256)));
  const made = [
    () => `Basic ${bytes(next(64)).toString('base64')}`,
    () => `Basic ${bytes(next(64)).toString('latin1')}`,
    () => bytes(next(64)).toString('latin1'),
    () =>
      `basic  ${Buffer.from(`press-7:${next(1e6)}`).toString('base64')}${'= \t'[next(4)] ?? ''}`,
    () => `Basic ${'A'.repeat(next(20_000))}`,
  ];
  for (let left = count; left > 0; left--) {
    const authorization = made[next(made.length)]?.() ?? '';
    try {
      const basic = basicOf({ headers: { authorization } } as IncomingMessage);
      assert.ok(basic !== null && basic.indexOf(':') > 0, `FUZZ_SEED=${seed}: ${authorization}`);
      assert.is(basic.toWellFormed(), basic);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      assert.is(error.status, 401);
    }
  }
});

test.run();
