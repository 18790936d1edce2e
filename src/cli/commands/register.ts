/** For devices: `register`, which asks for access and waits for it. */
import { readFileSync } from 'node:fs';
import { isEnrolmentCode, withoutSpace } from '../../../domain/enrolment-code.ts';
import { type Granted, RegistrationRefused, register } from '../../device/register.ts';
import { givenFingerprint } from '../client/ca-fingerprint.ts';
import { registryUrl } from '../client/registry-client.ts';
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
import { runInShell } from '../terminal/shell-command.ts';
import { shellWord } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';
import { permissionOf } from '../text/parse.ts';
import { permissionOption } from '../text/rights-options.ts';
import { type DeviceFiles, deviceFault, sayGranted, statusSayer } from './register-words.ts';

/** Where the device keeps what it has. @throws CommandFailed */
function filesOf(call: Call): DeviceFiles {
  const [username = ''] = call.positionals;
  const [out, key, certificate] = [call.text('out'), call.text('key'), call.text('certificate')];
  const suchAs = (more: string) => [`Such as: gatebook register ${retyped(call)} ${more}`];
  if ((key === null) !== (certificate === null))
    throw usageFault(
      'A certificate takes two files: --key FILE and --certificate FILE.',
      suchAs(
        key === null
          ? `--key ${shellWord(`${username}.key`)}`
          : `--certificate ${shellWord(`${username}.pem`)}`,
      ),
    );
  if (out === null && key === null)
    throw usageFault('--out FILE is missing: where the credentials are kept.', [
      ...suchAs(`--out ${shellWord(`${username}.json`)}`),
      'Or, for a certificate: --key FILE --certificate FILE',
    ]);
  const given = [out, key, certificate].filter((file) => file !== null);
  if (new Set(given).size < given.length)
    throw usageFault('--out, --key and --certificate are three files, each with its own name.');
  return { out, key, certificate };
}

/** What was asked for on the command line. @throws CommandFailed */
async function optionsOf(call: Call, { out, key, certificate }: DeviceFiles) {
  const [username = ''] = call.positionals;
  const url = registryUrl(call.text('url') ?? call.settings.url);
  const trusted = givenFingerprint(call);
  const enrolmentCode = enrolmentCodeOf(call);
  const pairingId = call.read('pairing-id', pairingIdOf);
  const context = contextOf(call.all('context'));
  const pageUrl = pageUrlOf(call);
  if (key !== null && !url.startsWith('https:'))
    throw usageFault(`A certificate goes with https, and the registry is at ${url}.`, [
      'Give its https address: --url, or GATEBOOK_URL',
    ]);
  return {
    ...{ url, username, wait: !call.has('no-wait') },
    ...(trusted !== null && { caFingerprint: trusted.fingerprint }),
    ...(out !== null && { file: out }),
    ...(key !== null &&
      certificate !== null && { certificate: { keyFile: key, certificateFile: certificate } }),
    ...(pairingId !== null && { pairingId }),
    ...(pageUrl !== null && { pageUrl }),
    ...(enrolmentCode !== null && { enrolmentCode }),
    ...(call.has('context') && { context }),
    ...(call.has('role') && { requestedRoles: call.all('role') }),
    ...(call.has('permission') && {
      requestedPermissions: call.all('permission').map(permissionOf),
    }),
    ...(call.has('password-stdin') && { password: await firstLineOfStdin() }),
  };
}

async function runRegister(call: Call): Promise<number> {
  const { terminal } = call;
  const files = filesOf(call);
  const options = await optionsOf(call, files);
  const { url, username } = options;
  const say = statusSayer(call, url, 'enrolmentCode' in options);
  // A script that asks once reads one answer, on one of the two streams.
  const says = options.wait || !call.json;
  const command = call.text('exec');
  let isTold = false;
  const tell = (result: Granted) => {
    isTold = true;
    if (call.json) terminal.json(JSON.stringify(result.registered));
    else sayGranted(call, files, result);
  };
  const onNew = async (result: Granted) => {
    tell(result);
    await execute(command ?? '');
  };
  try {
    const result = await untilInterrupted((signal) =>
      register({
        ...{ ...options, signal },
        ...(says && { onStatus: (status) => say(status) }),
        ...(command !== null && { onNew }),
      }),
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
    if (!isTold) tell(result);
    return exitCodes.done;
  } catch (error) {
    const fault = deviceFault(error, username, url, options.caFingerprint ?? '');
    if (!call.json || !(error instanceof RegistrationRefused) || error.code === null) throw fault;
    terminal.errorJson(JSON.stringify(error.problem));
    return fault instanceof CommandFailed ? fault.exitCode : exitCodes.failed;
  }
}

/** Tells whoever uses the credentials that there are new ones. @throws CommandFailed */
async function execute(command: string): Promise<void> {
  const end = await runInShell(command);
  if (end === 0) return;
  throw new CommandFailed(
    exitCodes.failed,
    `The credentials are written, but the command of --exec ended with ${end}.`,
    ['The same gatebook register runs it again.', `Or run it yourself: ${command}`],
  );
}

function pairingIdOf(text: string): string {
  const digits = text.replace(/[\s-]/g, '').toLowerCase();
  if (!/^[0-9a-f]{6}$/.test(digits))
    throw new MistypedError(`"${text}" is no pairing ID. Give six hex digits such as a1b2c3.`);
  return digits;
}

/** Where the administrator's phone finds the page, if not where the device asks. */
function pageUrlOf(call: Call): string | null {
  const url = call.text('page-url');
  if (url === null) return null;
  if (!call.has('qr')) throw usageFault('--page-url goes with --qr.');
  return registryUrl(url);
}

/** From a file or the environment: what stands on a command line, every user of the machine can read. */
function enrolmentCodeOf(call: Call): string | null {
  const path = call.text('enrolment-code-file');
  const code = path === null ? call.settings.enrolmentCode : codeIn(path);
  if (code === null) return null;
  // As people copy it from a label.
  const plain = withoutSpace(code);
  if (!isEnrolmentCode(plain))
    throw usageFault(
      `${path ?? 'GATEBOOK_ENROLMENT_CODE'} holds no enrolment code: one is gbe_ and 43 characters more.`,
      ['An administrator makes them: gatebook preauthorizations create --code'],
    );
  return plain;
}

function codeIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFault(`${path} cannot be read (${(error as { code?: string }).code}).`);
  }
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

export const deviceCommands: readonly Command[] = [
  {
    name: 'register',
    summary: "the device's side: ask for access, wait for it, keep the credentials",
    positionals: 'NAME',
    options: {
      out: {
        value: 'FILE',
        help: 'where a password and the progress are kept, mode 0600; run again, it goes on',
      },
      key: { value: 'FILE', help: 'a private key for a certificate: made where there is none' },
      certificate: {
        value: 'FILE',
        help: 'where the certificate is kept, with its chain; run again, it is renewed in time',
      },
      exec: {
        value: 'CMD',
        help: 'run by a shell after the grant and each new certificate, until it ends with 0',
      },
      qr: { help: 'show a QR code that opens this request at the page, for a phone' },
      'page-url': { value: 'URL', help: "the page's address for --qr (default: --url)" },
      'pairing-id': { value: 'H', help: 'six hex digits to compare (default: made)' },
      context: {
        value: 'K=V',
        many: true,
        help: 'what the administrator should know (repeatable)',
      },
      role: { value: 'ROLE', many: true, help: 'a role it wishes for (repeatable)' },
      ...permissionOption,
      'enrolment-code-file': {
        value: 'FILE',
        help: 'holds a code that lets it in while locked (GATEBOOK_ENROLMENT_CODE)',
      },
      'password-stdin': { help: 'take the password from stdin (default: made)' },
      'no-wait': { help: 'ask once; exit 6 when it is not decided yet' },
    },
    notes: [
      'Needs no sign-in. What it wishes for, an administrator decides.',
      'With --key and --certificate it needs no password, and https. Run it daily: it renews when',
      'two thirds of the life are over. With --out too, it has a password beside the key.',
    ],
    examples: [
      'gatebook register press-17 --out press-17.json',
      'gatebook register press-17 --out press-17.json --context line=4 --no-wait',
      'gatebook register press-17 --out press-17.json --exec "systemctl restart press" --qr',
      'gatebook register press-17 --out press-17.json --enrolment-code-file label.txt',
      'gatebook register press-17 --url https://gatebook.plant:8443 --ca-fingerprint HEX --key press-17.key --certificate press-17.pem',
    ],
    run: runRegister,
  },
];
