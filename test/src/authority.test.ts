/** Rights that were worked out are forgotten when what they rest on changes; and so is that nobody is known. */

import { createAuthority } from '../../src/authority.ts';
import type { Changes } from '../../src/read-models/read-models.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('authority');

const row = (username: string) => ({
  ...{ username, status: 'active', credentialId: 'c' },
  rights: { roles: [], permissions: [], mqttClientId: null, expiresAt: null },
});

function world() {
  const rows = new Map<string, unknown>();
  const listeners: ((events: unknown, changes: Changes) => void)[] = [];
  let reads = 0;
  const access = {
    get(username: string) {
      reads++;
      return rows.get(username);
    },
  };
  const authority = createAuthority({
    ...{ access, roles: { get: () => undefined }, tokenRows: {}, tokens: {} },
    onApplied: (listener: (events: unknown, changes: Changes) => void) => listeners.push(listener),
    now: () => '2026-11-23T10:00:00.000Z',
  } as never);
  return {
    authority,
    reads: () => reads,
    /** As the read models do it: the row is there, then it is told. */
    applied(username: string) {
      rows.set(username, row(username));
      for (const listener of listeners)
        listener([], new Map([['clients', new Map([[username, rows.get(username)]])]]));
    },
  };
}

test('one attempt at an unknown name looks once, and a name that came to be is known at once', () => {
  const { authority, reads, applied } = world();
  assert.is(authority.active('press-1'), undefined);
  assert.is(authority.principal('press-1'), undefined);
  assert.is(reads(), 1);
  applied('press-2');
  assert.is(authority.principal('press-1'), undefined);
  assert.is(reads(), 2, 'looked for anew after anything was recorded');
  applied('press-1');
  assert.is(authority.active('press-1')?.row.username, 'press-1');
});

test('who is asked about in between changes nothing', () => {
  const { authority, applied } = world();
  assert.is(authority.principal('press-1'), undefined);
  assert.is(authority.principal('press-2'), undefined);
  applied('press-1');
  assert.ok(authority.principal('press-1'));
  assert.is(authority.principal('press-2'), undefined);
  assert.ok(authority.principal('press-1'));
});

test.run();
