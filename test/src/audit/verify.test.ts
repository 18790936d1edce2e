import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Frontier, leafHash } from '../../../src/audit/merkle.ts';
import type { Line } from '../../../src/audit/ndjson.ts';
import { type Verdict, verifyExport } from '../../../src/audit/verify.ts';

const test = suite('verify');

const events = Array.from({ length: 20 }, (_, index) =>
  JSON.stringify({ eventId: `id-${index}`, stream: 'client-press', type: 'Happened' }),
);
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
const verified = (texts: readonly string[], trusted?: readonly string[], broken = '') =>
  verifyExport({
    lines: lines(texts, broken),
    checkpoints,
    trusted: trusted && lines(trusted),
  });

const summary = ({ fitting, misfit, cutOff, brokenLine, event, untouched }: Verdict) => ({
  ...{ fitting, misfit, cutOff, brokenLine, untouched },
  event: event && `${event.kind} ${event.index} ${event.eventId}`,
});
const whole = {
  fitting: [0, 8, 16, 20],
  misfit: null,
  cutOff: null,
  brokenLine: false,
  untouched: true,
  event: null,
};

test('what was not touched fits every checkpoint and the trusted export', async () => {
  assert.equal(summary(await verified(events)), whole);
  assert.equal(summary(await verified(events, events)), whole);
  assert.equal(summary(await verified(events, events.slice(0, 5))), whole);
  assert.equal(summary(await verified([...events, 'one more'], events)), whole);
});

const tampered: readonly [what: string, texts: readonly string[], event: string][] = [
  ['a changed byte', events.with(10, `${events[10]?.replace('press', 'Press')}`), 'changed 10'],
  ['a deleted event', events.toSpliced(10, 1), 'missing 10'],
  ['an inserted event', events.toSpliced(10, 0, '{}'), 'inserted 10'],
  [
    'two swapped events',
    events.with(10, events[11] as string).with(11, events[10] as string),
    'swapped 10',
  ],
];
for (const [what, texts, event] of tampered)
  test(`${what} is named by its range, and by itself against a trusted export`, async () => {
    const alone = await verified(texts);
    assert.equal(alone.misfit, { size: 16, after: 8 });
    assert.equal([alone.fitting, alone.event, alone.untouched], [[0, 8], null, false]);
    const beside = await verified(texts, events);
    assert.is(summary(beside).event, `${event} id-10`);
    const hashes = events.map((text) => leafHash(Buffer.from(text)).toString('base64'));
    const byHashes = await verified(texts, hashes);
    assert.is(summary(byHashes).event, `${event} null`);
  });

test('a tail that was cut is missed', async () => {
  const alone = await verified(events.slice(0, 18));
  assert.equal(alone.cutOff, { size: 18, expected: 20 });
  assert.equal([alone.misfit, alone.untouched], [null, false]);
  const longer = [...events, 'a', 'b'];
  const beside = await verified(events, longer);
  assert.equal(beside.cutOff, { size: 20, expected: 22 });
  const inLine = await verified(events.slice(0, 19), undefined, events[19]?.slice(0, 9));
  assert.equal([inLine.brokenLine, inLine.cutOff?.size], [true, 19]);
});

test('a last event that differs is named too', async () => {
  const changed = events.with(19, 'x');
  assert.is(summary(await verified(changed, events)).event, 'changed 19 id-19');
});

test('a misfit at one size is not forgotten by a fit at another', async () => {
  const verdict = await verifyExport({
    lines: lines(events),
    checkpoints: [checkpointAt(4), checkpointAt(8, events.with(6, 'x')), checkpointAt(12)],
  });
  assert.equal(verdict.misfit, { size: 8, after: 4 });
  assert.equal(verdict.fitting, [4]);
});

test.run();
