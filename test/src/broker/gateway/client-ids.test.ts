/** Whose client ids are whose at the gateway. */
import { ClientIds } from '../../../../src/broker/gateway/client-ids.ts';
import {
  mqttStoredSessionsMax,
  mqttStoredSessionsPerUserMax,
} from '../../../../src/limits/mqtt.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('client ids at the gateway');
const asks = (username: string, pinnedClientId: string | null = null) => ({
  username,
  pinnedClientId,
});
const idsOf = (...names: string[]) => {
  const active = new Set(names);
  return { active, ids: new ClientIds((name) => active.has(name)) };
};

test('an id belongs to one name while any connection with it is open', () => {
  const { ids } = idsOf('ada', 'ben');
  assert.not(ids.belongsToOther('x', asks('ben')));
  assert.ok(ids.opened('x', 'ada'));
  // Taken over by its owner: the new connection is there before the old one has ended.
  assert.ok(ids.opened('x', 'ada'));
  ids.closed('x', 'ada', false);
  assert.equal(
    [ids.belongsToOther('x', asks('ben')), ids.belongsToOther('x', asks('ada'))],
    [true, false],
  );
  // Judged while it was free, let in by the broker when it was not.
  assert.not(ids.opened('x', 'ben'));
  ids.closed('x', 'ada', false);
  assert.ok(ids.opened('x', 'ben'));
  ids.closed('x', 'ada', false);
  assert.ok(ids.belongsToOther('x', asks('ada')));
});

test('no id is nobody’s', () => {
  const { ids } = idsOf('ada', 'ben');
  assert.ok(ids.opened('', 'ada'));
  assert.not(ids.belongsToOther('', asks('ben')));
});

test('an id that is a name is of that name, unless it is pinned for another', () => {
  const { ids, active } = idsOf('ada', 'ben');
  assert.ok(ids.belongsToOther('ada', asks('ben')));
  assert.not(ids.belongsToOther('ada', asks('ben', 'ada')));
  assert.ok(ids.opened('ada', 'ben'));
  // Its own name is never kept from it.
  assert.not(ids.belongsToOther('ada', asks('ada')));
  assert.ok(ids.opened('ada', 'ada'));
  ids.closed('ada', 'ben', true);
  assert.ok(ids.belongsToOther('ada', asks('ben')));
  active.delete('ada');
  assert.not(ids.belongsToOther('ada', asks('ben')));
});

test('a session that the broker keeps holds its id, of so many a name and in all, until access ends', () => {
  const { ids, active } = idsOf('ada', 'ben');
  const held = (id: string) => ids.belongsToOther(id, asks('ben'));
  for (let at = 0; at <= mqttStoredSessionsPerUserMax; at++) {
    ids.opened(`kept-${at}`, 'ada');
    ids.closed(`kept-${at}`, 'ada', true);
  }
  assert.equal(['kept-0', 'kept-1', 'kept-16'].map(held), [false, true, true]);
  ids.opened('kept-1', 'ada');
  ids.closed('kept-1', 'ada', false);
  assert.not(held('kept-1'));
  active.delete('ada');
  assert.not(held('kept-16'));
  assert.ok(ids.opened('kept-16', 'ben'));
  ids.closed('kept-16', 'ben', true);
  active.add('ada');
  assert.ok(ids.belongsToOther('kept-16', asks('ada')));
  for (let at = 0; at < mqttStoredSessionsMax + 10; at++) {
    active.add(`n${at}`);
    ids.opened(`of-${at}`, `n${at}`);
    ids.closed(`of-${at}`, `n${at}`, true);
  }
  assert.equal([held('of-0'), held(`of-${mqttStoredSessionsMax + 9}`)], [true, false]);
});

test.run();
