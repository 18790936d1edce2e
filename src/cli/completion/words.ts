/** What can stand at the end of a command line that is being typed: verbs, options, and names that are known. */
import { type Command, type CommandOptions, commonOptions } from '../command.ts';

/** What the names are of that can stand somewhere. */
export type NameKind =
  | 'waiting'
  | 'clients'
  | 'roles'
  | 'rules'
  | 'approvals'
  | 'schedules'
  | 'brokers';

/** What is offered, and what has to be asked of the registry. */
interface Offer {
  readonly words: readonly string[];
  readonly names: NameKind | null;
}

const nothing: Offer = { words: [], names: null };
const these = (...words: readonly string[]): Offer => ({ words, names: null });
const named = (names: NameKind): Offer => ({ words: [], names });

/** By the command, or by the group that all of its commands share. */
const positionalNames: Readonly<Record<string, Offer>> = {
  grant: named('waiting'),
  deny: named('waiting'),
  'requests show': named('waiting'),
  history: named('clients'),
  explain: named('clients'),
  replay: named('clients'),
  users: named('clients'),
  roles: named('roles'),
  preauthorizations: named('rules'),
  approvals: named('approvals'),
  windows: named('schedules'),
  reconcile: named('brokers'),
  'preauthorizations import': nothing,
  'roles create': nothing,
  'users create': nothing,
  'what-if': these('limits', 'preauthorization'),
  completion: these('bash', 'zsh', 'fish'),
};

const optionNames: Readonly<Record<string, Offer>> = {
  role: named('roles'),
  user: named('clients'),
  'granted-by': named('clients'),
  'made-by': named('clients'),
  actor: named('clients'),
  effect: these('allow', 'deny', 'ask'),
  flow: these('explicit', 'implicit', 'est'),
  output: these('yaml', 'json'),
};

const declaredKinds: Readonly<Record<string, NameKind>> = {
  role: 'roles',
  preauthorization: 'rules',
  client: 'clients',
};

/** `get` and `edit` name a kind, then a thing of it. */
function declaredOffer(words: readonly string[]): Offer {
  const [kind] = words;
  if (kind === undefined) return these(...Object.keys(declaredKinds));
  const one = kind.replace(/s$/, '');
  const names = Object.hasOwn(declaredKinds, one) ? declaredKinds[one] : undefined;
  return names === undefined || words.length > 1 ? nothing : named(names);
}

const optionsOf = (command: Command | undefined): CommandOptions => ({
  ...commonOptions,
  ...command?.options,
});

/** Words that are no options and no values of options. */
function plainWords(words: readonly string[], options: CommandOptions): string[] {
  const plain: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const option = optionIn(word, options);
    if (option?.value !== undefined && !word.includes('=')) at += 1;
    else if (!word.startsWith('-')) plain.push(word);
  }
  return plain;
}

function optionIn(word: string, options: CommandOptions) {
  const found = Object.entries(options).find(
    ([name, { short }]) => word === `--${name}` || (short !== undefined && word === `-${short}`),
  );
  return found && { name: found[0], ...found[1] };
}

/** The command that the words begin with, and what stands behind its name. */
function commandIn(commands: readonly Command[], typed: readonly string[]) {
  const everyOption = Object.assign({}, ...commands.map(({ options }) => options));
  const words = plainWords(typed, { ...commonOptions, ...everyOption });
  const named = commands
    .filter(({ name }) => name.split(' ').every((part, at) => words[at] === part))
    .toSorted((one, other) => other.name.length - one.name.length)[0];
  const rest = named === undefined ? words : words.slice(named.name.split(' ').length);
  return { command: named, words, rest };
}

const firstWords = (commands: readonly Command[]) => [
  ...new Set(commands.map(({ name }) => name.split(' ')[0] ?? '')),
  'help',
];

/** @param typed the words behind `gatebook`; the last one is not whole, and may be empty */
export function offerFor(commands: readonly Command[], typed: readonly string[]): Offer {
  const current = typed.at(-1) ?? '';
  const before = typed.slice(0, -1);
  const { command, words, rest } = commandIn(commands, before);
  const options = optionsOf(command);
  const open = optionIn(before.at(-1) ?? '', options);
  if (open?.value !== undefined) return optionNames[open.name] ?? nothing;
  if (current.startsWith('-')) return these(...Object.keys(options).map((name) => `--${name}`));
  if (words.length === 0) return these(...firstWords(commands));
  if (words[0] === 'help') return words.length === 1 ? these(...firstWords(commands)) : nothing;
  if (command === undefined) {
    const verbs = commands
      .filter(({ name }) => name.startsWith(`${words[0]} `) && words.length === 1)
      .map(({ name }) => name.split(' ')[1] ?? '');
    return these(...verbs);
  }
  if (command.name === 'get' || command.name === 'edit') return declaredOffer(rest);
  if (command.positionals === '' || (rest.length > 0 && !command.positionals.includes('…')))
    return nothing;
  const [group = ''] = command.name.split(' ');
  return positionalNames[command.name] ?? positionalNames[group] ?? nothing;
}
