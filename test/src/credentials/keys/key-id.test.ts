/** Ids of public keys, against the vectors of PASERK (k4.pid-1 and -2). */

import { keyIdOf } from '../../../../src/credentials/keys/signing.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('key ids');

for (const [key, id] of [
  [
    'k4.public.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'k4.pid.S_XQmeEwHbbvRmiyfXfHYpLGjXGzjTRSDoT1YtTakWFE',
  ],
  [
    'k4.public.cHFyc3R1dnd4eXp7fH1-f4CBgoOEhYaHiImKi4yNjo8',
    'k4.pid.9ShR3xc8-qVJ_di0tc9nx0IDIqbatdeM2mqLFBJsKRHs',
  ],
] as const)
  test(key, () => {
    assert.is(keyIdOf(key), id);
  });

test.run();
