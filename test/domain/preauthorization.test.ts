import {
  type PreauthorizationCommand,
  type PreauthorizationEvent,
  type PreauthorizationOffer,
  type PreauthorizationTerms,
  preauthorization,
  preauthorizationRevision,
  preauthorizationStatus,
  ruleFor,
} from '../../domain/preauthorization.ts';
import { noRights } from '../../domain/rights.ts';
import { ada, at, due, id, later } from '../support/client.ts';
import { scenario, stored } from '../support/scenario.ts';
import { assert, suite } from '../support/suite.ts';

const test = suite('preauthorization');
const given = scenario(preauthorization);

const preauthorizationId = id(51);
const terms: PreauthorizationTerms = {
  ...{ effect: 'allow', usernamePattern: 'press-*', sources: [], pairingId: null },
  ...{ csrFingerprint: null, enrolmentCodeId: 'a'.repeat(64), rights: noRights },
  ...{ maxUses: 2, until: due, note: null },
};
const created = (over: Partial<PreauthorizationTerms> = {}): PreauthorizationEvent => ({
  type: 'PreauthorizationCreated',
  data: { preauthorizationId, terms: { ...terms, ...over }, at, by: ada },
});
const use = { username: 'press-07', requestId: id(11), credentialId: id(21), csrFingerprint: null };
const used: PreauthorizationEvent = {
  type: 'PreauthorizationUsed',
  data: { preauthorizationId, ...use, at: later, by: ada },
};
const withdrawn: PreauthorizationEvent = {
  type: 'PreauthorizationWithdrawn',
  data: { preauthorizationId, reason: null, at: later, by: ada },
};
const take = (when = later): PreauthorizationCommand => ({
  ...{ type: 'UsePreauthorization', preauthorizationId, ...use, at: when, by: ada },
});
const withdraw: PreauthorizationCommand = {
  ...{ type: 'WithdrawPreauthorization', preauthorizationId, reason: null, at: later, by: ada },
};

test('uses are taken until none is left, it is over or it is withdrawn', () => {
  given(created()).when(take()).thenRecorded(used);
  given(created(), used).when(take()).thenRecorded(used);
  given(created(), used, used).when(take()).thenRefused('registry-locked');
  given(created()).when(take(due)).thenRefused('registry-locked');
  given(created(), withdrawn).when(take()).thenRefused('registry-locked');
  given(created({ effect: 'deny' }))
    .when(take())
    .thenRefused('registry-locked');
  given().when(take()).thenRefused('preauthorization-not-found');
});

test('withdrawing is done once, and needs a rule', () => {
  given(created()).when(withdraw).thenRecorded(withdrawn);
  given(created(), withdrawn).when(withdraw).thenNothing();
  given().when(withdraw).thenRefused('preauthorization-not-found');
});

test('its events are read back as they were written, and tell its revision', () => {
  const events = [created(), used, withdrawn].map((event) => stored(preauthorization, event));
  const state = events.reduce(preauthorization.evolve, preauthorization.initial);
  assert.is(state.status === 'made' && preauthorizationRevision(state), events.length - 1);
});

test('status: withdrawn before used before ended', () => {
  const status = (useCount: number, isWithdrawn: boolean, when: string) =>
    preauthorizationStatus({ terms, useCount, isWithdrawn }, when);
  assert.equal(
    [status(0, false, at), status(2, false, due), status(0, false, due), status(2, true, due)],
    ['active', 'used', 'ended', 'withdrawn'],
  );
});

const offer: PreauthorizationOffer = {
  ...{ username: 'press-07', source: '10.0.0.1', pairingId: null, csrFingerprint: null },
  enrolmentCodeId: null,
};
const none = { enrolmentCodeId: null };
const rule = (over: Partial<PreauthorizationTerms>) => ({ terms: { ...terms, ...over } });
const liesIn = (networks: readonly string[], address: string | null) =>
  address !== null && networks.includes(address);

test('deny before allow before ask; without a proof nothing while the gate is closed', () => {
  const deny = rule({ ...none, effect: 'deny' });
  const allow = rule(none);
  const proven = rule({});
  const ask = rule({ effect: 'ask' });
  const shown = { ...offer, enrolmentCodeId: 'a'.repeat(64) };
  assert.is(ruleFor([ask, allow, deny], offer, true, liesIn), deny);
  assert.is(ruleFor([ask, allow], offer, true, liesIn), allow);
  assert.is(ruleFor([allow], offer, false, liesIn), undefined);
  assert.is(ruleFor([ask, allow, proven], shown, false, liesIn), proven);
  assert.is(ruleFor([ask], shown, false, liesIn), ask);
  // An open gate lets ask without a use.
  assert.is(ruleFor([ask], shown, true, liesIn), undefined);
  assert.is(ruleFor([proven], offer, true, liesIn), undefined);
});

test('all conditions hold together', () => {
  const narrow = rule({ ...none, sources: ['10.0.0.1'], pairingId: 'a1b2c3' });
  const fits = (over: Partial<PreauthorizationOffer>) =>
    ruleFor([narrow], { ...offer, pairingId: 'a1b2c3', ...over }, true, liesIn) === narrow;
  assert.equal(
    [fits({}), fits({ username: 'oven-1' }), fits({ source: '10.0.0.2' })],
    [true, false, false],
  );
  assert.is(fits({ pairingId: 'ffffff' }), false);
});

test.run();
