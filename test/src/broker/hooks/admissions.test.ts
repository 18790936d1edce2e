/** Recent admissions of a broker that asks: how many are remembered, and which are evicted first. */

import { type Admitted, createAdmissions } from '../../../../src/broker/hooks/admissions.ts';
import { assert, suite } from '../../../support/suite.ts';

const admitted = (): Admitted => ({
  credentialId: '00000000-0000-4000-8000-000000000001',
  tokenId: null,
  certificateSerial: null,
  rights: 'rights',
  atMs: 0,
});

const test = suite('admissions');
test('the oldest names are forgotten first, and no more are kept than is allowed', () => {
  const admissions = createAdmissions(4);
  for (const name of ['a', 'b', 'c']) admissions.remember(name, '1', admitted());
  admissions.remember('a', '1', admitted());
  admissions.remember('a', '2', admitted());
  assert.equal(
    ['a', 'b', 'c'].map((name) => admissions.of(name).size),
    [2, 1, 1],
  );
  admissions.remember('d', '1', admitted());
  assert.equal(
    ['a', 'b', 'c', 'd'].map((name) => admissions.of(name).size),
    [2, 0, 1, 1],
  );
  admissions.forget('a');
  admissions.remember('e', '1', admitted());
  admissions.remember('f', '1', admitted());
  assert.equal(
    ['a', 'c', 'd', 'e', 'f'].map((name) => admissions.of(name).size),
    [0, 1, 1, 1, 1],
  );
});
test('ever new names leave as many as are allowed', () => {
  const admissions = createAdmissions(4);
  const names = Array.from({ length: 50 }, (_, n) => `press-${n}`);
  for (const name of names) admissions.remember(name, '1', admitted());
  assert.equal(
    names.filter((name) => admissions.of(name).size > 0),
    names.slice(-4),
  );
});
test('who comes again came as it did last', () => {
  const admissions = createAdmissions(4);
  admissions.remember('a', '1', admitted());
  admissions.remember('a', '1', { ...admitted(), credentialId: null, tokenId: 't', atMs: 5 });
  assert.equal(
    [...admissions.of('a').values()],
    [{ ...admitted(), credentialId: null, tokenId: 't', atMs: 5 }],
  );
});
test('one name with ever new client ids is bounded too', () => {
  const admissions = createAdmissions(10, 4);
  admissions.remember('b', '1', admitted());
  for (let id = 0; id < 20; id++) admissions.remember('a', String(id), admitted());
  assert.equal([...admissions.of('a').keys()], ['16', '17', '18', '19']);
  assert.is(admissions.of('b').size, 1);
});
test.run();
