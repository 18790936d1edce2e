/** `apply`, `get` and `edit`: rights as a file. What reads and writes YAML is loaded by who needs it. */
import type { Command } from '../command.ts';
import { formats, unnamed } from './formats.ts';

const kindWords = 'Kinds: role, preauthorization, client; also in the plural.';

const applyCommand: Command = {
  name: 'apply',
  summary: 'make roles, rules and the rights of clients what a file declares',
  positionals: 'FILE.yaml',
  options: {
    'dry-run': { help: 'only show the difference' },
    prune: { help: 'remove roles and rules that an earlier apply of this file made' },
    yes: { help: 'do not ask before something is removed' },
  },
  notes: [
    'Only what differs is sent; run again, there is nothing to do. - reads the file from stdin.',
    'It lets nobody in: rights are set of clients that have access, the others are left alone.',
    'What it makes is marked [apply NAME], by the name in the file; --prune removes nothing else.',
    'A file to begin with: gatebook get -o yaml',
  ],
  examples: [
    'gatebook apply plant.yaml --dry-run',
    'gatebook apply plant.yaml',
    'gatebook apply plant.yaml --prune --yes',
  ],
  run: async (call) => await (await import('./apply.ts')).runApply(call),
};

const getCommand: Command = {
  name: 'get',
  summary: 'see roles, rules and the rights of clients as a file for apply',
  positionals: '[KIND] [NAME]',
  options: {
    output: { value: 'FORMAT', short: 'o', help: `${formats.join(' or ')} (default yaml)` },
    name: { value: 'NAME', help: `what the file is called (default ${unnamed})` },
  },
  notes: [kindWords, 'No secret is in it; built-in roles and people of single sign-on are not.'],
  examples: [
    'gatebook get -o yaml --name plant',
    'gatebook get roles',
    'gatebook get client press-17 -o yaml',
  ],
  run: async (call) => await (await import('./get.ts')).runGet(call),
};

const editCommand: Command = {
  name: 'edit',
  summary: 'change a role, a rule or the rights of a client in your editor',
  positionals: 'KIND NAME',
  options: {},
  notes: [
    kindWords,
    'The editor is VISUAL, else EDITOR. A rule is made anew, and what it was before withdrawn: its uses count from 0.',
  ],
  examples: ['gatebook edit role press', 'EDITOR=nano gatebook edit client press-17'],
  run: async (call) => await (await import('./get.ts')).runEdit(call),
};

export const declaredCommands: readonly Command[] = [applyCommand, getCommand, editCommand];
