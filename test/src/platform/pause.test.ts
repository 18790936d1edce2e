import { pause } from '../../../src/platform/pause.ts';
import { suite } from '../../support/suite.ts';

const test = suite('pause');
const hourMs = 3_600_000;

test('an abort ends it, and so does one that was before', async () => {
  const ending = new AbortController();
  const waits = pause(hourMs, ending.signal);
  ending.abort();
  await waits;
  await pause(hourMs, ending.signal);
});
test('it ends by itself', () => pause(1, new AbortController().signal));

test.run();
