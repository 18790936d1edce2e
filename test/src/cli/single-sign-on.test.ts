/** The command line signs a person in by a code, keeps the token, and is told where that ends. */

import { freePort } from '../../support/free-port.ts';
import {
  enterCode,
  type IdentityProvider,
  startIdentityProvider,
} from '../../support/identity-provider.ts';
import { assert, suite } from '../../support/suite.ts';
import { type Gatebook, gatebook, said } from './gatebook.ts';

const test = suite<{ gate: Gatebook; provider: IdentityProvider }>('cli single sign-on');
test.before(async (context) => {
  const port = await freePort();
  context.provider = await startIdentityProvider(port);
  context.gate = gatebook();
  Object.assign(context.gate.environment, context.provider.environment(port));
  await context.gate.serve();
  context.provider.people.set('bob', { preferred_username: 'bob', groups: ['shift'] });
});
test.after(async ({ gate, provider }) => {
  await gate.clean();
  await provider.stop();
});

test('a code is shown, and the token kept', async ({ gate, provider }) => {
  const login = gate.start(['login', '--sso']);
  const uri = (await login.says('Open')).replace(/^Open\s+/, '').trim();
  const code = (await login.says('Enter')).replace(/^Enter\s+/, '').trim();
  assert.is(uri, `${provider.issuer}/device`);
  await enterCode(uri, code, 'bob');
  const ended = await login.ended;
  assert.match(said(ended), /^Signed in at http:.* as bob@sso until /);
  assert.match(said(await gate.call('users', 'show', 'bob@sso')), /came by +sso/);
});

test('what is a password’s has no place beside it', async ({ gate }) => {
  for (const more of [
    ['--username', 'bob'],
    ['--hours', '3'],
  ]) {
    const { exitCode, stderr } = await gate.call('login', '--sso', ...more);
    assert.is(exitCode, 2);
    assert.match(stderr, /--sso do not go together/);
  }
});

test('no password is made for a person', async ({ gate }) => {
  const { exitCode, stderr } = await gate.call('reset-administrator', 'bob@sso');
  assert.is(exitCode, 2);
  assert.match(stderr, /signs in at the identity provider/);
});

test.run();
