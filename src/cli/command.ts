/** What a command of the command line is, and how its arguments are read. */
import { parseArgs } from 'node:util';
import type { CommandLineSettings } from '../config/command-line.ts';
import type { Environment } from '../config/reading.ts';
import { nearestWord } from '../platform/did-you-mean.ts';
import type { Terminal } from './terminal/terminal.ts';
import { shellWord } from './text/format.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notAllowed: 4,
  unreachable: 5,
  undecided: 6,
  interrupted: 130,
} as const;

/** Ends a command with a message for people and an exit code. */
export class CommandFailed extends Error {
  override name = 'CommandFailed';
  readonly exitCode: number;
  /** Lines below the message: details, and what to do. */
  readonly hints: readonly string[];
  constructor(exitCode: number, message: string, hints: readonly string[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.hints = hints;
  }
}

export const usageFault = (message: string, hints: readonly string[] = []) =>
  new CommandFailed(exitCodes.usage, message, hints);

interface Option {
  /** What stands for the value in the help; without it the option is a switch. */
  readonly value?: string;
  readonly many?: true;
  /** One letter that stands for it. */
  readonly short?: string;
  readonly help: string;
}
export type CommandOptions = Readonly<Record<string, Option>>;

/** The world of a command: what it reads and writes beside the registry. */
interface Surroundings {
  readonly terminal: Terminal;
  readonly settings: CommandLineSettings;
  readonly environment: Environment;
  readonly now: () => Date;
}

export interface Call extends Surroundings {
  readonly positionals: readonly string[];
  /** `--json`: print what the registry answers. */
  readonly json: boolean;
  has(option: string): boolean;
  text(option: string): string | null;
  all(option: string): readonly string[];
  /** What `read` makes of an option's text; null when it is not given. */
  read<Value>(option: string, read: (text: string) => Value): Value | null;
  /** The options as they were given, in their order. */
  readonly given: ReadonlyMap<string, readonly string[]>;
}

export interface Command {
  /** `unlock`, or `users list`. */
  readonly name: string;
  readonly summary: string;
  /** What stands after the options: `NAME`, `[NAME]`, `NAME…`; '' for nothing. */
  readonly positionals: string;
  readonly options: CommandOptions;
  /** More words in the help, a line each. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
  /** Resolves with the exit code. */
  run(call: Call): Promise<number>;
}

export const commonOptions: CommandOptions = {
  url: { value: 'URL', help: 'the registry (GATEBOOK_URL; default http://127.0.0.1:8080)' },
  'ca-fingerprint': {
    value: 'HEX',
    help: 'trust the CA with this SHA-256, and no other (GATEBOOK_CA_FINGERPRINT; with https)',
  },
  token: { value: 'TOKEN', help: 'sign in with a token (GATEBOOK_TOKEN)' },
  json: { help: 'print what the registry answers, for scripts' },
  help: { short: 'h', help: 'show this' },
};

/** How Node reads an option. */
export const parsedAs = ({ value, short }: Option) => ({
  type: value === undefined ? ('boolean' as const) : ('string' as const),
  ...(short !== undefined && { short }),
});

/** The options of one question, and the words beside them. @throws CommandFailed on any that is not right */
export function parsedArguments(
  args: readonly string[],
  options: CommandOptions,
  helpHint: string,
): { given: ReadonlyMap<string, readonly string[]>; positionals: readonly string[] } {
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(options).map(([name, option]) => [name, parsedAs(option)]),
    ),
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) {
      const meant = nearestWord(name, Object.keys(options));
      throw usageFault(`There is no option ${rawName} here.`, [
        ...(meant === null ? [] : [`Did you mean --${meant}?`]),
        helpHint,
      ]);
    }
    if (option.value === undefined && value !== undefined)
      throw usageFault(`${rawName} takes no value.`, [helpHint]);
    if (option.value !== undefined && (value === undefined || value === ''))
      throw usageFault(`${rawName} needs a value: ${rawName} ${option.value}`, [helpHint]);
    if (value?.startsWith('-') && !inlineValue)
      throw usageFault(`${rawName} needs a value, and "${value}" looks like an option.`, [
        `If it is meant: ${rawName}=${value}`,
        helpHint,
      ]);
    if (given.has(name) && !option.many && option.value !== undefined)
      throw usageFault(`${rawName} is given twice.`, [helpHint]);
    given.set(name, [...(given.get(name) ?? []), value ?? '']);
  }
  return { given, positionals };
}

/** Checks how many words stand beside the options, against `NAME`, `[NAME]` or `NAME…`. */
export function checkPositionals(command: Command, positionals: readonly string[]): void {
  const words = command.positionals.split(' ').filter((word) => word !== '');
  const least = words.filter((word) => !word.startsWith('[')).length;
  const most = command.positionals.includes('…') ? Number.POSITIVE_INFINITY : words.length;
  const usage = [`Usage: ${usageOf(command)}`, `See: gatebook ${command.name} --help`];
  if (positionals.length < least)
    throw usageFault(`${words[positionals.length]?.replace('…', '')} is missing.`, usage);
  if (positionals.length > most)
    throw usageFault(`"${positionals[most]}" is one word too many.`, usage);
}

export const usageOf = ({ name, positionals, options }: Command): string =>
  ['gatebook', name, positionals, Object.keys(options).length > 0 ? '[options]' : '']
    .filter((part) => part !== '')
    .join(' ');

/** Reads the options of a parsed command line. */
export const callOf = (
  surroundings: Surroundings,
  given: ReadonlyMap<string, readonly string[]>,
  positionals: readonly string[],
): Call => {
  const text = (option: string) => given.get(option)?.[0] ?? null;
  return {
    ...surroundings,
    positionals,
    given,
    json: given.has('json'),
    has: (option) => given.has(option),
    text,
    all: (option) => given.get(option) ?? [],
    read: (option, read) => {
      const value = text(option);
      return value === null ? null : read(value);
    },
  };
};

/**
 * Words and options as they were typed, for a command that is to be repeated; a token is left out, and so
 * is what `without` names.
 */
export function retyped(
  { positionals, given }: Call,
  {
    words = positionals,
    without = [],
  }: { words?: readonly string[]; without?: readonly string[] } = {},
): string {
  const options = [...given]
    .filter(([name]) => ![...without, 'token', 'json'].includes(name))
    .flatMap(([name, values]) =>
      values.map((value) => (value === '' ? `--${name}` : optionText(name, value))),
    );
  return [...words.map(shellWord), ...new Set(options)].join(' ');
}

const optionText = (name: string, value: string) =>
  value.startsWith('-') ? `--${name}=${shellWord(value)}` : `--${name} ${shellWord(value)}`;
