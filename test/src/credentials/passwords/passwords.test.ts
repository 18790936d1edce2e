import { argon2Sync, createHmac, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import {
  createPasswords,
  generateSecret,
  HashingBusy,
  isStrong,
} from '../../../../src/credentials/passwords/passwords.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('passwords');

const pepper = Buffer.alloc(32, 7);
const strong = '0123456789abcdef0123456789ABCDEF';

for (const password of [strong, `${strong}ab`, randomUUID(), randomUUID().toUpperCase()]) {
  test(`${password} is strong`, () => assert.ok(isStrong(password)));
}
for (const [what, password] of [
  ['31 hex digits', strong.slice(1)],
  ['hex with another letter', `${strong}g`],
  ['hex with a line after it', `${strong}\n`],
  ['a UUID in braces', `{${randomUUID()}}`],
  ['a long sentence', 'correct horse battery staple correct horse battery staple'],
  ['nothing', ''],
] as const) {
  test(`${what} is not strong`, () => assert.not(isStrong(password)));
}

test('a secret of our own making is strong, and one with a wrong letter is not', () => {
  const secret = generateSecret();
  assert.match(secret, /^gbs_[\w-]{38}$/);
  assert.is.not(secret, generateSecret());
  assert.ok(isStrong(secret));
  for (let place = 4; place < secret.length; place += 1) {
    const other = secret[place] === 'A' ? 'B' : 'A';
    assert.not(isStrong(secret.slice(0, place) + other + secret.slice(place + 1)), `at ${place}`);
  }
});

test('a strong password gets a peppered HMAC, at once', async () => {
  const passwords = createPasswords({ pepper, concurrency: 1, waitingMax: 0 });
  const verifier = passwords.quickVerifierOf('press-1', strong);
  const hash = createHmac('sha256', pepper).update(`verifier\0press-1\0${strong}`).digest('base64');
  assert.is(verifier, `$gatebook-hmac-sha256$v=1$${hash.replace('=', '')}`);
  assert.is(await passwords.verifierOf('press-1', strong, 'anywhere'), verifier);
  assert.is(passwords.slowHashes(), 0);
});

test('any other password gets argon2id of 19 MiB, and nothing at once', async () => {
  const passwords = createPasswords({ pepper });
  assert.is(passwords.quickVerifierOf('press-1', 'weak one'), null);
  const verifier = await passwords.verifierOf('press-1', 'weak one', 'here');
  const salt = createHmac('sha256', pepper).update('salt\0press-1').digest().subarray(0, 16);
  const hash = argon2Sync('argon2id', {
    message: 'weak one',
    nonce: salt,
    secret: pepper,
    memory: 19 * 1024,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  });
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  assert.is(verifier, `$argon2id$v=19$m=19456,t=2,p=1$${text(salt)}$${text(hash)}`);
});

test('an enrolment code has the id of a peppered HMAC, and no other code has it', () => {
  const { enrolmentCodeId } = createPasswords({ pepper });
  const hash = createHmac('sha256', pepper).update('enrolment-code\0gbe_1').digest('hex');
  assert.is(enrolmentCodeId('gbe_1'), hash);
  assert.is.not(enrolmentCodeId('gbe_2'), hash);
});

test('a verifier depends on the name, the password and the pepper, and on nothing else', async () => {
  const one = createPasswords({ pepper });
  const other = createPasswords({ pepper: randomBytes(32) });
  for (const password of ['weak one', strong]) {
    const verifier = await one.verifierOf('press-1', password, 'here');
    const again = createPasswords({ pepper: Buffer.from(pepper) });
    assert.is(await again.verifierOf('press-1', password, 'there'), verifier);
    assert.is.not(await one.verifierOf('press-2', password, 'here'), verifier);
    assert.is.not(await one.verifierOf('press-1', `${password}0`, 'here'), verifier);
    assert.is.not(await other.verifierOf('press-1', password, 'here'), verifier);
  }
});

test('one slow hash an attempt: for a name that nobody has, and for one with many verifiers', async () => {
  const passwords = createPasswords({ pepper });
  const right = await passwords.verifierOf('press-1', 'weak one', 'here');
  const wrong = await passwords.verifierOf('press-1', 'another', 'here');
  assert.is(passwords.slowHashes(), 2);

  const offered = await passwords.verifierOf('press-1', 'weak one', 'here');
  const kept = [wrong, right, passwords.quickVerifierOf('press-1', strong) ?? ''];
  assert.equal(
    kept.map((verifier) => passwords.sameVerifier(verifier, offered)),
    [false, true, false],
  );
  assert.is(passwords.slowHashes(), 3);

  await passwords.verifierOf('nobody', 'weak one', 'here');
  assert.is(passwords.slowHashes(), 4);
});

test('verifiers are the same only when they are, whatever their length', () => {
  const { sameVerifier } = createPasswords({ pepper });
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.is(sameVerifier(a, b), a === b);
      assert.ok(sameVerifier(a, a));
    }),
  );
});

test('a name with NUL could pose as another, and is refused', async () => {
  const passwords = createPasswords({ pepper });
  assert.throws(() => passwords.quickVerifierOf('press\0', strong), TypeError);
  await passwords.verifierOf('press\0', 'weak one', 'here').then(
    () => assert.unreachable(),
    (error) => {
      assert.instance(error, TypeError);
    },
  );
});

test('when too many wait, weak passwords are refused and strong ones are not', async () => {
  const passwords = createPasswords({ pepper, concurrency: 1, waitingMax: 1 });
  // The first is at work; of the others one goes, by lot.
  const asked = ['weak one', 'weak two', 'weak secret'].map((password) =>
    passwords.verifierOf('press-1', password, 'here'),
  );
  assert.is(passwords.waiting(), 1);
  await passwords.verifierOf('press-1', strong, 'here');
  const [first, ...others] = await Promise.allSettled(asked);
  assert.is(first?.status, 'fulfilled');
  const refused = others.filter((one) => one.status === 'rejected');
  assert.is(refused.length, 1);
  for (const { reason } of refused) {
    assert.instance(reason, HashingBusy);
    assert.not(String(reason).includes('weak'));
  }
  assert.is(passwords.waiting(), 0);
  assert.is(passwords.slowHashes(), 2);
});

test('the event loop turns while a slow hash runs', async () => {
  const passwords = createPasswords({ pepper });
  let turns = 0;
  const turning = setImmediate(function turn() {
    turns += 1;
    if (turns < 3) setImmediate(turn);
  });
  await passwords.verifierOf('press-1', 'weak one', 'here');
  clearImmediate(turning);
  assert.ok(turns > 0);
});

test('fingerprints are there, and forgotten', () => {
  const passwords = createPasswords({ pepper, rememberedMax: 1 });
  passwords.remember('press-1', 'a', 'weak one');
  assert.equal(passwords.recall('press-1', 'weak one'), ['a']);
  passwords.remember('press-2', 'b', 'weak one');
  assert.equal(passwords.recall('press-1', 'weak one'), []);
  passwords.forget('press-2');
  assert.is(passwords.remembered(), 0);
});

test.run();
