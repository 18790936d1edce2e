/** Instants as text. */

import { addMs, currentInstant } from '../../../src/platform/instant.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('instant');

test('milliseconds are added across every boundary, and taken away', () => {
  assert.is(addMs('2025-12-31T23:59:59.999Z', 1), '2026-01-01T00:00:00.000Z');
  assert.is(addMs('2026-03-01T00:00:00.000Z', -1), '2026-02-28T23:59:59.999Z');
  assert.is(addMs('2026-03-01T00:00:00.000Z', 0), '2026-03-01T00:00:00.000Z');
});

test('now is text that sorts', () => assert.ok(currentInstant() > '2026-01-01T00:00:00.000Z'));

test.run();
