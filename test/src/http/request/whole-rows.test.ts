import type { IncomingMessage } from 'node:http';
import { wholeRowsOnly } from '../../../../src/http/request/whole-rows.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('whole rows only');

test('while something is gone from the rows nobody is judged by them, and health is told all the same', () => {
  let isUndone = true;
  const guard = wholeRowsOnly({ isUndone: () => isUndone });
  const asked = (url: string) => () => guard({ url } as IncomingMessage);
  for (const url of ['/api/users', '/hooks/emqx/authn', '/.well-known/est/simpleenroll'])
    assert.throws(asked(url), /read from the log again/);
  for (const url of ['/healthz', '/readyz', '/metrics', '/']) asked(url)();
  isUndone = false;
  asked('/api/users')();
});

test.run();
