import { canonicalJson } from '../../../../src/audit/transparency-log/canonical-json.ts';
import { NothingTrusted } from '../../../../src/audit/transparency-log/difference.ts';
import { Frontier, leafHash } from '../../../../src/audit/transparency-log/merkle.ts';
import type { Line } from '../../../../src/audit/transparency-log/ndjson.ts';
import { type Verdict, verifyExport } from '../../../../src/audit/transparency-log/verify.ts';
import { verdictLines } from '../../../../src/cli/commands/verify.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('verify');

const event = (eventId: string) =>
  canonicalJson({
    ...{ eventId, type: 'Happened', stream: 'client-press', revision: 0 },
    ...{ data: {}, metadata: {} },
  });
const events = Array.from({ length: 20 }, (_, index) => event(`id-${index}`));
async function* lines(texts: readonly string[], broken = ''): AsyncGenerator<Line> {
  for (const text of texts) yield { bytes: Buffer.from(text), isWhole: true };
  if (broken !== '') yield { bytes: Buffer.from(broken), isWhole: false };
}
const checkpointAt = (size: number, texts: readonly string[] = events) => {
  const frontier = new Frontier();
  for (const text of texts.slice(0, size)) frontier.add(leafHash(Buffer.from(text)));
  return { origin: 'log', size, root: frontier.root() };
};
const checkpoints = [8, 16, 0, 20].map((size) => checkpointAt(size));
const verified = (
  texts: readonly string[],
  trusted?: readonly string[],
  broken = '',
  trustedBroken = '',
) =>
  verifyExport({
    lines: lines(texts, broken),
    checkpoints,
    trusted: trusted && lines(trusted, trustedBroken),
  });

const summary = ({ event, ...verdict }: Verdict) => ({
  fitting: verdict.fitting,
  misfit: verdict.misfit,
  cutOff: verdict.cutOff,
  brokenLine: verdict.brokenLine,
  notAnEvent: verdict.notAnEvent,
  untouched: verdict.untouched,
  event: event && `${event.kind} ${event.index} ${event.eventId}`,
});
const whole = {
  fitting: [0, 8, 16, 20],
  misfit: null,
  cutOff: null,
  brokenLine: false,
  notAnEvent: null,
  untouched: true,
  event: null,
};

test('what was not touched fits every checkpoint and the trusted export', async () => {
  assert.equal(summary(await verified(events)), whole);
  assert.equal(summary(await verified(events, events)), whole);
  assert.equal(summary(await verified(events, events.slice(0, 5))), whole);
  assert.equal(summary(await verified([...events, event('one more')], events)), whole);
});

test('what was put behind the newest checkpoint must be events at least', async () => {
  for (const more of ['one more', '', '{}', `${event('a')}\r`, event('a').replace(',', ', ')]) {
    const verdict = await verified([...events, event('newer'), more, more], events);
    assert.equal([verdict.notAnEvent, verdict.untouched], [21, false], more);
  }
});

test('a file that is no export says so', async () => {
  const { notAnEvent, misfit } = await verified(events.map((text) => `${text}\r`));
  assert.equal([notAnEvent, misfit], [0, { size: 8, after: 0, origin: 'log' }]);
});

const tampered: readonly [what: string, texts: readonly string[], event: string][] = [
  ['a changed byte', events.with(10, `${events[10]?.replace('press', 'Press')}`), 'changed 10'],
  ['a deleted event', events.toSpliced(10, 1), 'missing 10'],
  ['several deleted events', events.toSpliced(10, 3), 'missing 10, 3'],
  ['a deletion just before the end', events.toSpliced(18, 1), 'missing 18'],
  ['an inserted event', events.toSpliced(10, 0, '{}'), 'inserted 10'],
  ['several inserted events', events.toSpliced(10, 0, '{}', '[]'), 'inserted 10, 2'],
  [
    'two swapped events',
    events.with(10, events[11] as string).with(11, events[10] as string),
    'swapped 10',
  ],
  [
    'two events swapped over others',
    events.with(10, events[14] as string).with(14, events[10] as string),
    'swapped 10 with 14',
  ],
];
for (const [what, texts, event] of tampered)
  test(`${what} is named by its range, and by itself against a trusted export`, async () => {
    const alone = await verified(texts);
    const after = texts[10] === events[10] ? 16 : 8;
    assert.equal(alone.misfit, { size: after === 8 ? 16 : 20, after, origin: 'log' });
    assert.equal([alone.fitting.at(-1), alone.event, alone.untouched], [after, null, false]);
    const said = ({ event: found }: Verdict) =>
      found &&
      `${found.kind} ${found.index}${found.count > 1 ? `, ${found.count}` : ''}` +
        `${found.other === null || found.other === found.index + 1 ? '' : ` with ${found.other}`}`;
    const beside = await verified(texts, events);
    assert.equal([said(beside), beside.event?.eventId], [event, `id-${beside.event?.index}`]);
    const hashes = events.map((text) => leafHash(Buffer.from(text)));
    for (const encoding of ['base64', 'hex'] as const) {
      const byHashes = await verified(
        texts,
        hashes.map((hash) => hash.toString(encoding)),
      );
      assert.equal([said(byHashes), byHashes.event?.eventId], [event, null], encoding);
    }
  });

test('what is trusted has to be an export, or leaf hashes', async () => {
  for (const text of ['trust me', '', 'f00d'.repeat(17), `${'A'.repeat(43)}!`])
    try {
      await verified(events, [...events.slice(0, 3), text]);
      assert.unreachable(text);
    } catch (error) {
      assert.instance(error, NothingTrusted);
      assert.match((error as Error).message, /line 4/);
    }
});

test('the last line of what is trusted counts without its line end, too', async () => {
  const trusted = events.slice(0, 5);
  const hash = leafHash(Buffer.from(trusted[4] ?? '')).toString('hex');
  for (const last of [trusted[4] ?? '', hash]) {
    const changed = await verified(events.with(4, event('x')), trusted.slice(0, 4), '', last);
    assert.equal([changed.event?.kind, changed.event?.index], ['changed', 4]);
    assert.equal(summary(await verified(events, trusted.slice(0, 4), '', last)), whole);
    const short = await verified(events.slice(0, 4), trusted.slice(0, 4), '', last);
    assert.equal(short.cutOff, { size: 4, expected: 20 });
  }
});

test('what is trusted has to be whole, and something', async () => {
  for (const [trusted, broken, words] of [
    [events.slice(0, 3), events[3]?.slice(0, -1), /line 4 .* cut off/],
    [[], 'no export at all', /line 1 .* neither/],
    [[], '', /is empty/],
  ] as const)
    try {
      await verified(events, trusted, '', broken);
      assert.unreachable(String(words));
    } catch (error) {
      assert.instance(error, NothingTrusted);
      assert.match((error as Error).message, words);
    }
});

test('a tail that was cut is missed', async () => {
  const alone = await verified(events.slice(0, 18));
  assert.equal(alone.cutOff, { size: 18, expected: 20 });
  assert.equal([alone.misfit, alone.untouched], [{ size: 20, after: 16, origin: 'log' }, false]);
  const longer = [...events, event('a'), event('b')];
  const beside = await verified(events, longer);
  assert.equal(beside.cutOff, { size: 20, expected: 22 });
  const inLine = await verified(events.slice(0, 19), undefined, events[19]?.slice(0, 9));
  assert.equal([inLine.brokenLine, inLine.cutOff?.size], [true, 19]);
});

test('a last event that differs is named too', async () => {
  const changed = events.with(19, 'x');
  assert.is(summary(await verified(changed, events)).event, 'changed 19 id-19');
});

test('two checkpoints of one size that differ are two histories, whatever fits', async () => {
  const other = checkpointAt(8, events.with(6, 'x'));
  for (const both of [
    [checkpointAt(8), other],
    [other, checkpointAt(8)],
  ]) {
    const verdict = await verifyExport({ lines: lines(events), checkpoints: both });
    assert.equal([verdict.forkedAt, verdict.untouched], [8, false]);
    assert.match(verdictLines(verdict)[0] ?? '', /Two checkpoints of 8 events differ/);
  }
  const twice = [checkpointAt(8), checkpointAt(8)];
  const verdict = await verifyExport({ lines: lines(events), checkpoints: twice });
  assert.equal([verdict.forkedAt, verdict.untouched], [null, true]);
});

test('a misfit at one size is not forgotten by a fit at another', async () => {
  const verdict = await verifyExport({
    lines: lines(events),
    checkpoints: [checkpointAt(4), checkpointAt(8, events.with(6, 'x')), checkpointAt(12)],
  });
  assert.equal(verdict.misfit, { size: 8, after: 4, origin: 'log' });
  assert.equal(verdict.fitting, [4]);
});

test.run();
