import { Id } from '../../../domain/values.ts';
import { newSecretId } from '../../../src/credentials/secret-id.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('ids of secrets');

test('they are random UUIDs, no two the same, and a thousand of a time begin alike', () => {
  const many = Array.from({ length: 5_000 }, () => newSecretId());
  assert.is(new Set(many).size, many.length);
  for (const id of many.slice(0, 100)) {
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.is(Id.parse(id), id);
  }
  const beginnings = new Set(many.map((id) => id.slice(0, 13)));
  assert.ok(beginnings.size === 5 || beginnings.size === 6, `${beginnings.size} beginnings`);
  const ends = new Set(many.map((id) => id.slice(14)));
  assert.is(ends.size, many.length, 'what is random of each is its own');
});

test.run();
