import { offerFor } from '../../../../src/cli/completion/words.ts';
import { commands } from '../../../../src/cli/run.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('completion words');
const offer = (line: string) => offerFor(commands, line.split(' '));

test('first comes a command, then its verb', () => {
  assert.ok(offer('').words.includes('unlock'));
  assert.ok(offer('').words.includes('completion'));
  assert.ok(offer('users ').words.includes('suspend'));
  assert.ok(offer('help ').words.includes('users'));
  assert.equal(offer('unlock '), { words: [], names: null });
});

test('options are those of the command, also behind others', () => {
  assert.ok(offer('unlock --').words.includes('--pattern'));
  assert.ok(offer('--url http://a users list --st').words.includes('--status'));
  assert.not.ok(offer('lock --').words.includes('--pattern'));
});

test('names are of what the command is about', () => {
  const expected: [string, string | null][] = [
    ['grant ', 'waiting'],
    ['grant press-1 ', 'waiting'],
    ['deny --reason no ', 'waiting'],
    ['grant press-1 --role ', 'roles'],
    ['requests show ', 'waiting'],
    ['users suspend pre', 'clients'],
    ['users suspend press-1 ', null],
    ['users create ', null],
    ['history ', 'clients'],
    ['roles show ', 'roles'],
    ['approvals approve ', 'approvals'],
    ['windows cancel ', 'schedules'],
    ['reconcile ', 'brokers'],
    ['get client ', 'clients'],
    ['edit role ', 'roles'],
    ['unlock --note ', null],
    ['constructor ', null],
  ];
  for (const [line, names] of expected) assert.is(offer(line).names, names, line);
});

test.run();
