import { upcast, upcasters } from '../../domain/upcast.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('upcast');

const event = { type: 'Renamed', data: { name: 'Ada Lovelace' } };
const by = {
  Renamed: ({ name }: Readonly<Record<string, unknown>>) => {
    const [first, last] = String(name).split(' ');
    return { first, last };
  },
};

test('an event of an older version comes in today’s shape', () =>
  assert.equal(upcast(event, by), { type: 'Renamed', data: { first: 'Ada', last: 'Lovelace' } }));
test('the stored event stays as it is', () => {
  const before = structuredClone(event);
  upcast(event, by);
  assert.equal(event, before);
});
test('another event is not touched', () =>
  assert.equal(upcast({ ...event, type: 'Other' }, by), { ...event, type: 'Other' }));
test('only type and data come through', () =>
  assert.equal(Object.keys(upcast({ ...event, stream: 'x' } as typeof event, by)), [
    'type',
    'data',
  ]));
test('a type that is also a name of every object is no upcaster', () => {
  for (const type of ['constructor', 'toString', 'valueOf', '__proto__'])
    assert.equal(upcast({ type, data: { a: 1 } }), { type, data: { a: 1 } });
});
test('none is needed yet', () => assert.equal(upcasters, {}));

test.run();
