/** For devices: `register`, which asks for access and waits for it. */
import {
  type Registered,
  RegistrationFileError,
  RegistrationRefused,
  type RegistrationStatus,
  RegistryUnreachable,
  register,
} from '../../device/register.ts';
import { registryUrl } from '../client/registry-client.ts';
import { reasonText, unreachable } from '../client/unreachable.ts';
import {
  type Call,
  type Command,
  CommandFailed,
  exitCodes,
  retyped,
  usageFault,
} from '../command.ts';
import { untilInterrupted } from '../terminal/interrupt.ts';
import { firstLineOfStdin } from '../terminal/prompt.ts';
import { dateTimeText, durationText, momentText, pairingText, shellWord } from '../text/format.ts';
import { MistypedError, permissionOf } from '../text/parse.ts';
import { permissionOption } from '../text/rights-options.ts';

async function runRegister(call: Call): Promise<number> {
  const { terminal } = call;
  const [username = ''] = call.positionals;
  const file = call.text('out');
  if (file === null)
    throw usageFault('--out FILE is missing: where the credentials are kept.', [
      `Such as: gatebook register ${retyped(call)} --out ${shellWord(`${username}.json`)}`,
    ]);
  const url = registryUrl(call.text('url') ?? call.settings.url);
  const pairingId = call.read('pairing-id', pairingIdOf);
  const context = contextOf(call.all('context'));
  const options = {
    url,
    username,
    file,
    wait: !call.has('no-wait'),
    ...(pairingId !== null && { pairingId }),
    ...(call.has('context') && { context }),
    ...(call.has('role') && { requestedRoles: call.all('role') }),
    ...(call.has('permission') && {
      requestedPermissions: call.all('permission').map(permissionOf),
    }),
    ...(call.has('password-stdin') && { password: await firstLineOfStdin() }),
  };
  const say = statusSayer(call, url);
  // A script that asks once reads one answer, on one of the two streams.
  const says = options.wait || !call.json;
  try {
    const result = await untilInterrupted((signal) =>
      register({ ...options, signal, ...(says && { onStatus: (status) => say(status) }) }),
    );
    if (result === null) {
      terminal.error('Stopped. The same command goes on later.');
      return exitCodes.interrupted;
    }
    if (result.status === 'undecided') {
      const { because, answer } = result;
      if (!call.json) say(because, true);
      else if (because.status === 'pending') terminal.json(JSON.stringify(answer));
      else terminal.errorJson(JSON.stringify(answer));
      return exitCodes.undecided;
    }
    if (call.json) terminal.json(JSON.stringify(result.registered));
    else sayGranted(call, file, result.registered, result.already);
    return exitCodes.done;
  } catch (error) {
    const fault = deviceFault(error, username, url);
    if (!call.json || !(error instanceof RegistrationRefused) || error.code === null) throw fault;
    terminal.errorJson(JSON.stringify(error.problem));
    return fault instanceof CommandFailed ? fault.exitCode : exitCodes.failed;
  }
}

function pairingIdOf(text: string): string {
  const digits = text.replace(/[\s-]/g, '').toLowerCase();
  if (!/^[0-9a-f]{6}$/.test(digits))
    throw new MistypedError(`"${text}" is no pairing ID. Give six hex digits such as a1b2c3.`);
  return digits;
}

function contextOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new MistypedError(`"${pair}" is no context. Give NAME=VALUE.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Says each state once, on stderr where stdout is for JSON. */
function statusSayer(call: Call, url: string) {
  const { terminal, now } = call;
  const line = call.json ? terminal.error : terminal.line;
  let said = '';
  return (status: RegistrationStatus, isLast = false) => {
    if (status.status === 'asking') {
      if (status.pairingId !== null)
        line(
          'Pairing ID  ',
          { text: pairingText(status.pairingId), style: 'strong' },
          '   (compare it with the page)',
        );
      return;
    }
    if (status.status === said) return;
    said = status.status;
    const again = isLast
      ? 'Ask again with the same command'
      : `Asking again in ${durationText(Math.ceil(status.retryInMs / 1_000) * 1_000)} (Ctrl-C stops; the same command goes on later)`;
    const words = {
      pending: `pending since ${momentText(now().toISOString(), now())}`,
      locked: `the registry is locked. ${again}`,
      'username-taken': `another credential holds this name. ${again.replace('Asking again', 'Asking once more')}`,
      'replacement-pending': `another credential holds this name; an administrator is asked to replace it. ${again}`,
      busy: `the registry is busy. ${again}`,
      faulty: `the registry has a fault: ${status.detail ?? 'no more is known'} ${again}`,
      unreachable: `cannot reach the registry at ${url} (${reasonText(status.detail ?? '')}). ${again}`,
    }[status.status];
    line(`${isLast ? 'Not decided yet' : 'Waiting'}: ${words}`);
  };
}

function sayGranted(call: Call, file: string, registered: Registered, already: boolean): void {
  const attempt = attemptText(file, registered);
  call.terminal.line(
    { text: already ? 'Granted already' : 'Granted', style: 'good' },
    already ? `. ${file} has the credentials.` : `. Wrote ${file} (mode 0600).`,
    attempt === null ? ' It has no rights at the broker yet.' : ` Try: ${attempt}`,
  );
}

/** Safe to paste into a shell as it stands. */
const plain = /^[\w@%+=:,./#-]+$/;

/** A command of Mosquitto that uses what was granted; null when nothing fits one. */
function attemptText(file: string, registered: Registered): string | null {
  const url = registered.brokers.flatMap(({ urls }) => urls).find((one) => one.startsWith('mqtt:'));
  if (url === undefined || !URL.canParse(url)) return null;
  const { hostname, port } = new URL(url);
  const mqtt = registered.effectivePermissions.filter(({ context }) => context === 'mqtt');
  const read = mqtt.find(({ operation }) => operation !== 'write');
  const topic = read?.resource ?? mqtt[0]?.resource.replace(/[+#]/g, 'test');
  const words = [hostname, registered.username, topic ?? '', registered.mqttClientId ?? '-'];
  if (topic === undefined || !words.every((word) => plain.test(word)) || file.includes("'"))
    return null;
  return [
    read === undefined ? 'mosquitto_pub' : 'mosquitto_sub',
    `-h ${hostname}`,
    ...(port === '' || port === '1883' ? [] : [`-p ${port}`]),
    ...(registered.mqttClientId === null ? [] : [`-i ${shellWord(registered.mqttClientId)}`]),
    `-u ${shellWord(registered.username)}`,
    `-P "$(jq -r .password ${shellWord(file)})"`,
    `-t '${topic}'`,
    ...(read === undefined ? ['-m hello'] : []),
  ].join(' ');
}

function deviceFault(error: unknown, username: string, url: string): unknown {
  if (error instanceof RegistrationFileError)
    return new CommandFailed(exitCodes.usage, error.message);
  if (error instanceof RegistryUnreachable)
    return error.status === 'unreachable'
      ? unreachable(url, error.message)
      : new CommandFailed(
          error.status === 'busy' ? exitCodes.unreachable : exitCodes.failed,
          `The registry ${error.status === 'busy' ? 'is busy' : 'has a fault'}. ${error.message}`,
          ['Try again later with the same command.'],
        );
  if (!(error instanceof RegistrationRefused)) return error;
  const { problem, code, status } = error;
  const fields = Array.isArray(problem.errors)
    ? problem.errors.map(
        ({ pointer, detail }) => `  ${String(pointer).replace(/^#\/?/, '')}: ${detail}`,
      )
    : [];
  const reason = typeof problem.reason === 'string' ? [`Reason: ${problem.reason}`] : [];
  const blocked =
    typeof problem.blockedUntil === 'string'
      ? [`It may ask again after ${dateTimeText(problem.blockedUntil)}.`]
      : [];
  const remedy =
    refusals[code ?? ''] ?? (code === null ? 'Is that the address of the registry?' : '');
  return new CommandFailed(
    status === 400 ? exitCodes.usage : exitCodes.refused,
    `Not registered: ${username}. ${error.message}`,
    [...fields, ...reason, ...blocked, ...(remedy === '' ? [] : [remedy])],
  );
}

/** What the words of the registry leave open. */
const refusals: Readonly<Record<string, string>> = {
  'registration-denied':
    'Run the same command again when an administrator unlocks the registry anew.',
  'access-suspended': 'Run the same command again when an administrator has resumed it.',
  'access-revoked': 'Run the same command again when an administrator has reinstated the name.',
  'access-expired': 'Run the same command again while the registry is unlocked.',
};

export const deviceCommands: readonly Command[] = [
  {
    name: 'register',
    summary: "the device's side: ask for access, wait for it, keep the credentials",
    positionals: 'NAME',
    options: {
      out: {
        value: 'FILE',
        help: 'where the credentials are kept, mode 0600; run again, it goes on',
      },
      'pairing-id': { value: 'H', help: 'six hex digits to compare (default: made)' },
      context: {
        value: 'K=V',
        many: true,
        help: 'what the administrator should know (repeatable)',
      },
      role: { value: 'ROLE', many: true, help: 'a role it wishes for (repeatable)' },
      ...permissionOption,
      'password-stdin': { help: 'take the password from stdin (default: made)' },
      'no-wait': { help: 'ask once; exit 6 when it is not decided yet' },
    },
    notes: ['Needs no sign-in. What it wishes for, an administrator decides.'],
    examples: [
      'gatebook register press-17 --out press-17.json',
      'gatebook register press-17 --out press-17.json --context line=4 --no-wait',
    ],
    run: runRegister,
  },
];
