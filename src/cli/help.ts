/** The help of the command line: as a whole, of a group of commands, of one command. */
import { type Command, type CommandOptions, commonOptions, usageOf } from './command.ts';

/** Two columns, two spaces in from the left. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

const optionRows = (options: CommandOptions): [string, string][] =>
  Object.entries(options).map(([name, { value, short, help }]) => [
    `--${name}${short === undefined ? '' : `, -${short}`}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);

export function overview(commands: readonly Command[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { name } of commands) {
    const [group = '', verb] = name.split(' ');
    groups.set(group, [...(groups.get(group) ?? []), ...(verb === undefined ? [] : [verb])]);
  }
  const rows = [...groups].map(([name, verbs]): [string, string] => [
    name,
    verbs.length > 0
      ? verbs.join(' ')
      : (commands.find((command) => command.name === name)?.summary ?? ''),
  ]);
  return [
    'Gatebook: devices ask for access, an administrator opens the gate and decides.',
    '',
    'Usage: gatebook COMMAND [options]',
    '',
    ...columns(rows),
    '',
    ...columns(optionRows(commonOptions)),
    '',
    'Sign in with gatebook login, or set GATEBOOK_TOKEN, or GATEBOOK_USERNAME and GATEBOOK_PASSWORD.',
    'More of one command: gatebook COMMAND --help',
    'Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 refused by the registry,',
    '  4 not signed in or not allowed, 5 unreachable or busy, 6 not decided yet (register --no-wait)',
  ];
}

export const groupHelp = (group: string, commands: readonly Command[]): string[] => [
  `Usage: gatebook ${group} COMMAND [options]`,
  '',
  ...columns(commands.map(({ name, positionals, summary }) => [`${name} ${positionals}`, summary])),
  '',
  ...(commands.some(({ name }) => name === `${group} list`)
    ? [`gatebook ${group} alone is gatebook ${group} list.`]
    : []),
  `More of one: gatebook ${group} COMMAND --help`,
  '',
  'Examples:',
  ...commands.flatMap(({ examples }) => examples.slice(0, 1).map((example) => `  ${example}`)),
];

export function commandHelp(command: Command, common: CommandOptions): string[] {
  const { summary, options, notes = [], examples } = command;
  return [
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    '',
    `Usage: ${usageOf(command)}`,
    '',
    ...columns(optionRows({ ...options, ...common })),
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
  ];
}
