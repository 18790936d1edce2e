/** Asking KurrentDB again ends when the connection is closed. */

import { StoreUnavailable } from '../../../../src/store/event-store.ts';
import { Unanswered } from '../../../../src/store/kurrentdb/errors.ts';
import { retryUntil } from '../../../../src/store/kurrentdb/retry.ts';
import { assert, suite } from '../../../support/suite.ts';
import { errorOf } from '../sqlite/world.ts';

const test = suite('kurrentdb retry');

test('no try follows once the connection is closed, also where one was to come', async () => {
  const closing = new AbortController();
  let tries = 0;
  const asked = retryUntil(Number.POSITIVE_INFINITY, closing.signal, async () => {
    tries++;
    throw new Unanswered('nothing came');
  });
  const error = errorOf(asked);
  await new Promise((resolve) => setImmediate(resolve));
  closing.abort();
  assert.instance(await error, StoreUnavailable);
  assert.is(tries, 1);
});

test.run();
