/** Every command is weighed: a new route says whether it waits for several people. */

import { deeds } from '../../../domain/approvals/proposal-words.ts';
import type { App } from '../../../src/app.ts';
import { weights } from '../../../src/http/approvals/weights.ts';
import { allRoutes } from '../../../src/http/server.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('weights of commands');

test('every command that somebody signed in gives has one, and nothing else', () => {
  const routes = allRoutes({ config: {} } as App);
  const commands = routes
    .filter(({ method, access }) => method !== 'GET' && /^(permitted|signed-in)$/.test(access))
    .map(({ operationId }) => operationId);
  assert.equal(Object.keys(weights).sort(), commands.sort());
});

test('every command that may wait is told in words of its own', () => {
  const mayWait = Object.keys(weights).filter((name) => weights[name] !== weights.lock);
  assert.equal(
    mayWait.filter((name) => deeds[name] === undefined),
    [],
  );
});

test.run();
