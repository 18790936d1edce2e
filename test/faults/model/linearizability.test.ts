/** The checker finds what it is for: planted violations of every kind, and none where there is none. */
import { assert, suite } from '../../support/suite.ts';
import { type Invocation, orderOf } from './linearizability.ts';
import { type Act, type Answered, after, unknownName } from './name-model.ts';

const test = suite('linearizability');

type Step = Invocation<Act, Answered>;
const during = (
  from: number,
  to: number,
  act: Act,
  status: number | null,
  request?: string,
): Step => ({
  ...{ act, invokedAt: from, completedAt: to },
  answer: status === null ? null : { status, ...(request === undefined ? {} : { request }) },
});
const lost = (from: number, act: Act): Step => during(from, Number.POSITIVE_INFINITY, act, null);

const register = { kind: 'register' } as const;
const grant = { kind: 'grant', request: 'r1' } as const;
const deny = { kind: 'deny', request: 'r1' } as const;
const suspend = { kind: 'suspend' } as const;
const revoke = { kind: 'revoke' } as const;
const asked = during(0, 1, register, 202, 'r1');

const holds = (...history: Step[]) => assert.ok(orderOf(unknownName, history, after) !== null);
const violated = (...history: Step[]) => assert.is(orderOf(unknownName, history, after), null);

test('one after the other', () =>
  holds(asked, during(2, 3, grant, 200), during(4, 5, register, 201), during(6, 7, revoke, 200)));

test('two at once, in either order', () => {
  holds(asked, during(2, 9, grant, 200), during(3, 8, deny, 409));
  holds(asked, during(2, 9, grant, 409), during(3, 8, deny, 200));
  holds(asked, during(2, 9, grant, 200), during(3, 8, register, 202, 'r1'));
});

test('two who both win', () => violated(asked, during(2, 9, grant, 200), during(3, 8, deny, 200)));

test('two who both lose', () => violated(asked, during(2, 9, grant, 409), during(3, 8, deny, 409)));

test('an answer that is forgotten', () =>
  violated(asked, during(2, 3, grant, 200), during(4, 5, register, 202, 'r1')));

test('an answer from before the call', () =>
  violated(asked, during(2, 3, register, 201), during(4, 5, grant, 200)));

test('a name that is asked for twice', () => {
  violated(during(0, 4, register, 202, 'r1'), during(1, 5, register, 202, 'r2'));
  holds(during(0, 4, register, 202, 'r1'), during(1, 5, register, 202, 'r1'));
});

test('revoked, and back without anybody', () =>
  violated(
    asked,
    during(2, 3, grant, 200),
    during(4, 5, revoke, 200),
    during(6, 7, register, 201),
  ));

test('what nobody heard of took effect, late, or never', () => {
  holds(asked, lost(2, grant), during(4, 5, register, 202, 'r1'), during(6, 7, register, 201));
  holds(asked, lost(2, grant), during(4, 5, register, 202, 'r1'));
  holds(asked, lost(2, grant), during(4, 5, register, 201));
});

test('what nobody heard of takes effect once', () =>
  violated(
    asked,
    lost(2, grant),
    during(4, 5, suspend, 200),
    during(6, 7, { kind: 'resume' }, 200),
    during(8, 9, revoke, 200),
    during(10, 11, { kind: 'reinstate' }, 200),
    during(12, 13, register, 202, 'r2'),
    during(14, 15, register, 201),
  ));

test('an order is told', () =>
  assert.equal(orderOf(unknownName, [during(2, 9, grant, 200), asked], after), [1, 0]));

test.run();
