/** How much is compared where a file declares many rules and the registry has many. */
import { type Declaration, declarationIn } from '../../../../src/cli/declared/document.ts';
import { planOf } from '../../../../src/cli/declared/plan.ts';
import type { Present, PresentRule } from '../../../../src/cli/declared/present.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('plan of a file');

const count = 200;
const until = '2027-01-01T00:00:00.000Z';
const names = Array.from({ length: count }, (_, at) => `rule-${at}`);
const declaration: Declaration = declarationIn(
  'many.yaml',
  `name: many\npreauthorizations:\n${names
    .map((name) => `  ${name}: { usernamePattern: ${name}-*, until: ${until} }\n`)
    .join('')}`,
);
const options = { owner: 'many', prune: false, now: '2026-12-01T00:00:00.000Z' };

/** Rules as the registry has them, and how often one was looked into. */
function present(of: (name: string) => Pick<PresentRule, 'owner' | 'name'>) {
  let looks = 0;
  const rules = names.map((name): PresentRule => {
    const declared = declaration.preauthorizations[name];
    if (declared === undefined) throw new Error(name);
    return {
      ...{ id: name, isLive: true, ...of(name) },
      get declared() {
        looks += 1;
        return declared;
      },
    };
  });
  const [roles, clients] = [new Map(), new Map()];
  const there: Present = { rules, roles, clients, proposals: [], me: 'admin' };
  return { there, looks: () => looks };
}

for (const [which, of] of [
  ['marked as the file has them', (name: string) => ({ owner: 'many', name })],
  ['made by hand and as declared', () => ({ owner: null, name: null })],
] as const)
  test(`each of many rules is found without a look at all others: ${which}`, () => {
    const { there, looks } = present(of);
    const { changes, unchangedCount } = planOf(declaration, there, options);
    assert.equal([changes.length, unchangedCount], [0, count]);
    assert.ok(looks() <= 4 * count, `${looks()} looks`);
  });

test('where none is as declared, all are made, with one look at each that is there', () => {
  const { there, looks } = present(() => ({ owner: 'other', name: 'other' }));
  const { changes } = planOf(declaration, there, options);
  assert.equal(
    changes.map(({ action, name }) => `${action} ${name}`),
    names.map((name) => `make ${name}`),
  );
  assert.ok(looks() <= count, `${looks()} looks`);
});

test.run();
