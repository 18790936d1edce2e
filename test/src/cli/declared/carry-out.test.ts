/** What is said of changes where the registry goes away between two commands. */
import type { Registry } from '../../../../src/cli/client/registry-client.ts';
import type { Call } from '../../../../src/cli/command.ts';
import { carryOut } from '../../../../src/cli/declared/carry-out.ts';
import type { DeclaredChange } from '../../../../src/cli/declared/plan.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('changes carried out');

const body = { effect: 'allow' };
const changed = (name: string): DeclaredChange => ({
  ...{ action: 'change', kind: 'rule', name, fields: [], warning: null, waits: null },
  sent: [
    { method: 'POST', path: '/rules', body },
    { method: 'DELETE', path: `/rules/${name}` },
  ],
});

/** Carries out two changes at a registry that fails at a path for a reason of its own. */
async function failingAt(failing: string, fault: Error) {
  const [lines, faults, asked]: string[][] = [[], [], []];
  const terminal = {
    line: (text: string) => lines?.push(text),
    error: (text: string) => faults?.push(text),
    progress: () => undefined,
  };
  const registry = {
    async send(method: string, path: string) {
      asked?.push(`${method} ${path}`);
      if (path === failing) throw fault;
      return { body: method === 'POST' ? { enrolmentCode: 'gbe_code' } : undefined };
    },
  };
  const outcome = await carryOut(
    { json: false, terminal } as unknown as Call,
    registry as unknown as Registry,
    [changed('one'), changed('two')],
  );
  return { ...outcome, lines, faults, asked };
}

test('a rule that was made before it broke off is told with its code, and nothing more is sent', async () => {
  const fault = new Error('gone');
  const { carriedOut, ended, lines, faults, asked } = await failingAt('/rules/one', fault);
  assert.is(ended?.by, fault);
  assert.equal(carriedOut, [
    { kind: 'rule', name: 'one', outcome: 'begun', enrolmentCode: 'gbe_code' },
  ]);
  assert.equal(lines, ['Made rule one anew.', '  Enrolment code (shown this once): gbe_code']);
  assert.equal(faults, [
    'Half done: rule one is made anew, and what it was before stands beside it.',
  ]);
  assert.equal(asked, ['POST /rules', 'DELETE /rules/one']);
});

test('of what was done whole before, nothing is taken back', async () => {
  const { carriedOut, faults } = await failingAt('/rules/two', new Error('gone'));
  assert.equal(
    carriedOut.map(({ name, outcome }) => `${name} ${outcome}`),
    ['one done', 'two begun'],
  );
  assert.is(faults?.length, 1);
});

test.run();
