/** Finds the command that was asked for, reads its arguments and runs it. */
import { parseArgs } from 'node:util';
import { commandLineSettings } from '../config/command-line.ts';
import type { Environment } from '../config/reading.ts';
import { nearestWord } from '../platform/did-you-mean.ts';
import { trustByFingerprint } from './client/ca-fingerprint.ts';
import { signInCommands } from './client/sign-in.ts';
import { ownVersion } from './client/version.ts';
import {
  type Command,
  type CommandOptions,
  callOf,
  checkPositionals,
  commonOptions,
  exitCodes,
  parsedArguments,
  parsedAs,
  usageFault,
} from './command.ts';
import { approvalCommands } from './commands/approvals.ts';
import { auditPastCommands } from './commands/audit-past.ts';
import { reconcileCommands } from './commands/brokers.ts';
import { copyCommands } from './commands/copy.ts';
import { evidenceCommand } from './commands/evidence.ts';
import { historyCommands } from './commands/history.ts';
import { keyCommands } from './commands/keys.ts';
import { preauthorizationCommands } from './commands/preauthorizations.ts';
import { importCommand } from './commands/preauthorizations-import.ts';
import { deviceCommands } from './commands/register.ts';
import { decideCommands } from './commands/requests/decide.ts';
import { knocksCommand } from './commands/requests/knocks.ts';
import { requestsCommands } from './commands/requests/list.ts';
import { showRequestCommand } from './commands/requests/show.ts';
import { resetCommands } from './commands/reset-administrator.ts';
import { roleCommands, tokenCommands } from './commands/roles.ts';
import { operateCommands } from './commands/serve.ts';
import { statusCommands } from './commands/status.ts';
import { userCommands } from './commands/users.ts';
import { auditFileCommands } from './commands/verify.ts';
import { verifyReportCommand } from './commands/verify-report.ts';
import { whatIfCommands } from './commands/what-if.ts';
import { windowCommands } from './commands/window.ts';
import { windowScheduleCommands } from './commands/windows.ts';
import { completionCommand } from './completion/command.ts';
import { declaredCommands } from './declared/commands.ts';
import { reportFault } from './fault.ts';
import { commandHelp, groupHelp, overview } from './help.ts';
import { moveInCommand } from './moving-in/command.ts';
import { backupCommand } from './operating/backup.ts';
import { benchCommand } from './operating/bench.ts';
import { doctorCommand } from './operating/doctor.ts';
import { restoreCommand } from './operating/restore.ts';
import { type Output, terminalOf } from './terminal/terminal.ts';

const [serve, ...otherOperateCommands] = operateCommands;

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  ...(serve === undefined ? [] : [serve]),
  ...statusCommands,
  ...windowCommands,
  ...windowScheduleCommands,
  ...requestsCommands,
  showRequestCommand,
  knocksCommand,
  ...decideCommands,
  ...approvalCommands,
  ...preauthorizationCommands,
  importCommand,
  ...userCommands,
  ...roleCommands,
  ...tokenCommands,
  ...declaredCommands,
  moveInCommand,
  ...keyCommands,
  ...historyCommands,
  ...auditPastCommands,
  ...whatIfCommands,
  ...auditFileCommands,
  verifyReportCommand,
  ...signInCommands,
  completionCommand(() => commands),
  ...deviceCommands,
  ...reconcileCommands,
  ...copyCommands,
  ...resetCommands,
  backupCommand,
  restoreCommand,
  doctorCommand,
  evidenceCommand,
  benchCommand,
  ...otherOperateCommands,
];

const helpHint = 'See all commands with: gatebook --help';

/**
 * Runs one command line. Faults are said on stderr and never thrown.
 * @returns the exit code
 */
export async function runCommandLine(
  args: readonly string[],
  environment: Environment,
  streams: { stdout: Output; stderr: Output },
  now: () => Date = () => new Date(),
): Promise<number> {
  const noColor = (environment.NO_COLOR ?? '') !== '';
  const terminal = terminalOf(streams.stdout, streams.stderr, noColor);
  const say = (lines: readonly string[]) => {
    for (const line of lines) terminal.line(line);
    return exitCodes.done;
  };
  const json = args.includes('--json');
  try {
    if (args.length === 1 && args[0] === '--version') return say([`gatebook ${ownVersion()}`]);
    const words = wordsOf(args);
    if (words.length === 0 && !wantsHelp(args)) {
      parsedArguments(args, commonOptions, helpHint);
      for (const line of overview(commands)) terminal.error(line);
      return exitCodes.usage;
    }
    const commandWords = words[0] === 'help' ? words.slice(1) : words;
    const helps = words[0] === 'help' || wantsHelp(args);
    if (commandWords.length === 0) return say(overview(commands));
    const [group = '', verb] = commandWords;
    const ofGroup = commands.filter(({ name }) => name.startsWith(`${group} `));
    if (helps && ofGroup.length > 0 && verb === undefined) return say(groupHelp(group, ofGroup));
    const command = commandOf(commandWords);
    const options = { ...commonOptionsOf(command), ...command.options };
    if (helps) return say(commandHelp(command, commonOptionsOf(command)));

    const hint = `See: gatebook ${command.name} --help`;
    const { given, positionals } = parsedArguments(args, options, hint);
    // `users` alone is `users list`, so the words of the name are those that were typed of it.
    const nameLength = command.name
      .split(' ')
      .filter((word, at) => commandWords[at] === word).length;
    const rest = positionals.slice(nameLength);
    checkPositionals(command, rest);
    const settings = commandLineSettings(environment);
    const call = callOf({ terminal, settings, environment, now }, given, rest);
    if (!trustsByItself.includes(command.name)) await trustByFingerprint(call);
    return await command.run(call);
  } catch (error) {
    return reportFault(terminal, json, error);
  }
}

const wantsHelp = (args: readonly string[]): boolean => {
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  return own.includes('--help') || own.includes('-h');
};

/** They work on files and logs, and ask no registry. */
const offline = [
  ...['serve', 'rebuild', 'copy', 'restore', 'reset-administrator', 'verify', 'verify-report'],
];
/** A device goes on waiting where the registry cannot be reached yet. */
const trustsByItself = [...offline, 'register', 'doctor'];

/** Commands that do not sign in take no token, those that ask nobody no address. */
function commonOptionsOf({ name }: Command): CommandOptions {
  const {
    url = { help: '' },
    'ca-fingerprint': caFingerprint = { help: '' },
    token = { help: '' },
    json = { help: '' },
    help = { help: '' },
  } = commonOptions;
  if (offline.includes(name)) return { help };
  if (['register', 'login', 'logout', 'doctor', 'version'].includes(name))
    return { url, 'ca-fingerprint': caFingerprint, json, help };
  return { url, 'ca-fingerprint': caFingerprint, token, json, help };
}

/** The words that are no options, read with the options of all commands; what is wrong its own command says. */
function wordsOf(args: readonly string[]): readonly string[] {
  const all = commands.flatMap(({ options }) => Object.entries(options));
  const options = [...Object.entries(commonOptions), ...all].map(([name, option]) => [
    name,
    parsedAs(option),
  ]);
  const known = Object.fromEntries(options);
  return parseArgs({ args: [...args], options: known, strict: false }).positionals;
}

function commandOf(words: readonly string[]): Command {
  const [first = '', second] = words;
  const single = commands.find(({ name }) => name === first);
  if (single !== undefined) return single;
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0) {
    const meant = nearestWord(first, [
      ...new Set(commands.map(({ name }) => name.split(' ')[0] ?? '')),
    ]);
    throw usageFault(`There is no command "${first}".`, [
      meant === null ? helpHint : `Did you mean: gatebook ${meant}`,
    ]);
  }
  const found = group.find(({ name }) => name === `${first} ${second ?? 'list'}`);
  if (found !== undefined) return found;
  const verbs = group.map(({ name }) => name.slice(first.length + 1));
  if (second === undefined)
    throw usageFault(`What of ${first}? There are: ${verbs.join(' ')}`, [
      `See: gatebook ${first} --help`,
    ]);
  const meant = nearestWord(second, verbs);
  throw usageFault(`There is no command "${first} ${second}".`, [
    meant === null ? `There are: ${verbs.join(' ')}` : `Did you mean: gatebook ${first} ${meant}`,
  ]);
}
