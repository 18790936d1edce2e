import * as fc from 'fast-check';
import { type LiesIn, unmet } from '../../domain/conditions.ts';
import {
  asksForSource,
  differs,
  type Judgement,
  judging,
  type PastRequest,
  type PastSource,
  type WhatIfRule,
} from '../../domain/what-if.ts';
import { isFull } from '../../domain/window.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('what-if');

/** Networks by the beginning of an address, as no real one is written. */
const liesIn: LiesIn = (networks, address) =>
  address !== null && networks.some((network) => address.startsWith(network));
const from = (address: string): PastSource => ({ status: 'known', address });

const request = (over: Partial<PastRequest> = {}): PastRequest => ({
  username: 'press-1',
  kind: 'new',
  windowId: 'first',
  pairingId: '00ff00',
  csr: null,
  source: from('10.4.0.1'),
  status: 'pending',
  ...over,
});

type Limits = Extract<WhatIfRule, { kind: 'limits' }>;
const limits = (over: Partial<Limits> = {}): Limits => ({
  kind: 'limits',
  usernamePattern: null,
  sources: [],
  maxRequests: null,
  ...over,
});

type Preauthorization = Extract<WhatIfRule, { kind: 'preauthorization' }>;
const allow = (over: Partial<Preauthorization> = {}): Preauthorization => ({
  kind: 'preauthorization',
  effect: 'allow',
  usernamePattern: null,
  sources: [],
  pairingId: null,
  csrFingerprint: null,
  maxUses: null,
  ...over,
});

const judged = (rule: WhatIfRule, requests: readonly PastRequest[]): Judgement[] =>
  requests.map(judging(rule, liesIn));
/** What each request would have come to: `let-in rule-matches`. */
const told = (rule: WhatIfRule, ...requests: readonly PastRequest[]): string[] =>
  judged(rule, requests).map(({ outcome, reason }) => `${outcome} ${reason}`);

// ── Limits ────────────────────────────────────────────────────────────────────────────────────────

test('limits keep out by name, then by network, and leave the rest as it was', () =>
  assert.equal(
    told(
      limits({ usernamePattern: 'press-*', sources: ['10.4.'] }),
      request(),
      request({ username: 'oven-1' }),
      request({ username: 'oven-1', source: from('10.9.0.1') }),
      request({ source: from('10.9.0.1') }),
    ),
    [
      'unchanged within-limits',
      'kept-out name-outside',
      'kept-out name-outside',
      'kept-out source-outside',
    ],
  ));
test('an address that was not known, and one that was erased, lie in no network', () =>
  assert.equal(
    told(
      limits({ sources: ['10.4.'] }),
      request({ source: { status: 'unknown' } }),
      request({ source: { status: 'erased' } }),
    ),
    ['kept-out source-unknown', 'kept-out source-erased'],
  ));
test('without networks nobody needs an address', () =>
  assert.equal(told(limits(), request({ source: { status: 'unread' } })), [
    'unchanged within-limits',
  ]));
test('each window has its own places, and only who is let ask takes one', () =>
  assert.equal(
    told(
      limits({ maxRequests: 2, usernamePattern: 'press-*' }),
      request(),
      request({ username: 'oven-1' }),
      request({ username: 'press-2', kind: 'replacement' }),
      request({ username: 'press-3' }),
      request({ username: 'press-3', windowId: 'second' }),
    ),
    [
      'unchanged within-limits',
      'kept-out name-outside',
      'unchanged within-limits',
      'kept-out window-full',
      'unchanged within-limits',
    ],
  ));

// ── Preauthorizations ─────────────────────────────────────────────────────────────────────────────

test('a preauthorization lets in what fits all its conditions', () =>
  assert.equal(
    told(
      allow({ usernamePattern: 'press-*', sources: ['10.4.'], pairingId: '00ff00' }),
      request(),
      request({ username: 'oven-1' }),
      request({ username: 'press-2', source: from('10.9.0.1') }),
      request({ username: 'press-3', source: { status: 'unknown' } }),
      request({ username: 'press-4', source: { status: 'erased' } }),
      request({ username: 'press-5', pairingId: 'ffffff' }),
      request({ username: 'press-6', pairingId: null }),
    ),
    [
      'let-in rule-matches',
      'unchanged name-outside',
      'unchanged source-outside',
      'unchanged source-unknown',
      'unchanged source-erased',
      'unchanged pairing-id-differs',
      'unchanged pairing-id-differs',
    ],
  ));
test('one about a key is about what asked with that key alone', () =>
  assert.equal(
    told(
      allow({ csrFingerprint: 'aa' }),
      request({ csr: { fingerprint: 'aa' } }),
      request({ username: 'press-2', csr: { fingerprint: 'bb' } }),
      request({ username: 'press-3' }),
    ),
    ['let-in rule-matches', 'unchanged key-differs', 'unchanged key-differs'],
  ));
test('one that denies keeps out', () =>
  assert.equal(told(allow({ effect: 'deny' }), request()), ['kept-out rule-matches']));
test('a name that is held takes none, whatever its effect', () => {
  const challenger = request({ kind: 'replacement' });
  assert.equal(told(allow(), challenger), ['unchanged name-held']);
  assert.equal(told(allow({ effect: 'deny' }), challenger), ['unchanged name-held']);
});
test('uses are taken in the order of the log, and only by what it lets in', () =>
  assert.equal(
    told(
      allow({ maxUses: 2, usernamePattern: 'press-*' }),
      request(),
      request({ username: 'oven-1' }),
      request({ username: 'press-9', kind: 'replacement' }),
      request({ username: 'press-2', windowId: 'second' }),
      request({ username: 'press-3' }),
    ),
    [
      'let-in rule-matches',
      'unchanged name-outside',
      'unchanged name-held',
      'let-in rule-matches',
      'unchanged uses-taken',
    ],
  ));
test('who would be in already takes no other use when it asks again', () =>
  assert.equal(
    told(
      allow(),
      request({ status: 'denied' }),
      request({ status: 'expired' }),
      request({ status: 'granted' }),
      // It had access, and lost it, or the name would not have been free.
      request({ status: 'granted' }),
    ),
    ['let-in rule-matches', 'unchanged name-held', 'unchanged name-held', 'let-in rule-matches'],
  ));
test('a name that a rule would have kept out is free for who asks next', () =>
  assert.equal(
    told(
      allow({ effect: 'deny', maxUses: 2 }),
      request({ status: 'granted' }),
      request({ kind: 'replacement', status: 'denied' }),
      request({ kind: 'replacement', status: 'granted' }),
      request({ kind: 'replacement', status: 'granted' }),
    ),
    [
      'kept-out rule-matches',
      'kept-out rule-matches',
      'unchanged uses-taken',
      'unchanged name-held',
    ],
  ));

// ── Beside what was decided ───────────────────────────────────────────────────────────────────────

test('it differs where another would be in, or somebody would not be in or wait', () => {
  const statuses = ['pending', 'granted', 'denied', 'expired'] as const;
  const differing = (outcome: Judgement['outcome']) =>
    statuses.filter((status) => differs({ outcome, reason: 'rule-matches' }, status));
  assert.equal(differing('let-in'), ['pending', 'denied', 'expired']);
  assert.equal(differing('kept-out'), ['pending', 'granted']);
  assert.equal(differing('unchanged'), []);
});
test('an address is asked for only where networks are, and the name fits', () => {
  const rule = limits({ usernamePattern: 'press-*', sources: ['10.4.'] });
  assert.ok(asksForSource(rule, 'press-1'));
  assert.not.ok(asksForSource(rule, 'oven-1'));
  assert.not.ok(asksForSource(limits({ usernamePattern: 'press-*' }), 'press-1'));
});

// ── Properties ────────────────────────────────────────────────────────────────────────────────────

const anyRequest: fc.Arbitrary<PastRequest> = fc.record({
  username: fc.constantFrom('press-1', 'press-2', 'oven-1', 'oven-2'),
  kind: fc.constantFrom('new', 'replacement'),
  windowId: fc.constantFrom('first', 'second'),
  pairingId: fc.constantFrom('00ff00', 'ffffff', null),
  csr: fc.constantFrom(null, { fingerprint: 'aa' }, { fingerprint: 'bb' }),
  source: fc.oneof(
    fc.constantFrom('10.4.0.1', '10.9.0.1').map(from),
    fc.constant<PastSource>({ status: 'unknown' }),
  ),
  status: fc.constantFrom('pending', 'granted', 'denied', 'expired'),
});
const anyLimits: fc.Arbitrary<Limits> = fc.record({
  kind: fc.constant('limits'),
  usernamePattern: fc.constantFrom(null, 'press-*', '*-1'),
  sources: fc.constantFrom([], ['10.4.'], ['10.4.', '10.9.']),
  maxRequests: fc.option(fc.integer({ min: 1, max: 5 })),
});

/** Whom a window with these limits takes, by the door's own checks. */
function taken(rule: Limits, attempts: readonly PastRequest[]): PastRequest[] {
  const counts: Record<string, number> = {};
  return attempts.filter(({ username, windowId, source }) => {
    const address = source.status === 'known' ? source.address : null;
    if (unmet(rule, { username, source: address }, liesIn) !== null) return false;
    const count = counts[windowId ?? ''] ?? 0;
    if (rule.maxRequests !== null && isFull({ maxRequests: rule.maxRequests }, count)) return false;
    counts[windowId ?? ''] = count + 1;
    return true;
  });
}

test('the limits that windows had keep nobody out who asked in them', () =>
  fc.assert(
    fc.property(anyLimits, fc.array(anyRequest, { maxLength: 30 }), (rule, attempts) => {
      const requests = taken(rule, attempts);
      for (const { outcome } of judged(rule, requests)) assert.is(outcome, 'unchanged');
    }),
  ));
test('limits keep out those of all attempts whom the door would have turned away', () =>
  fc.assert(
    fc.property(anyLimits, fc.array(anyRequest, { maxLength: 30 }), (rule, attempts) => {
      const outcomes = judged(rule, attempts);
      const stay = attempts.filter((_, at) => outcomes[at]?.outcome === 'unchanged');
      assert.equal(stay, taken(rule, attempts));
    }),
  ));
test('a rule without conditions lets in every name that was free, as often as it has uses', () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(anyRequest, { selector: ({ username }) => username, maxLength: 4 }),
      fc.nat({ max: 4 }),
      (requests, maxUses) => {
        const free = requests.filter(({ kind }) => kind === 'new');
        const letIn = (rule: WhatIfRule) =>
          requests.filter((_, at) => judged(rule, requests)[at]?.outcome === 'let-in');
        assert.equal(letIn(allow()), free);
        assert.equal(letIn(allow({ maxUses })), free.slice(0, maxUses));
      },
    ),
  ));
test('who is judged later changes nothing of what was said before', () =>
  fc.assert(
    fc.property(
      fc.oneof<fc.Arbitrary<WhatIfRule>[]>(anyLimits, fc.constant(allow({ maxUses: 2 }))),
      fc.array(anyRequest, { maxLength: 12 }),
      fc.array(anyRequest, { maxLength: 6 }),
      (rule, requests, more) =>
        assert.equal(
          judged(rule, [...requests, ...more]).slice(0, requests.length),
          judged(rule, requests),
        ),
    ),
  ));

test.run();
