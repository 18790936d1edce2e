/** What `register` says of a device: how it stands, what it got, why it did not. */
import {
  CertificateEnded,
  type Granted,
  OtherAuthority,
  type Registered,
  RegistrationFileError,
  RegistrationRefused,
  type RegistrationStatus,
  RegistryUnreachable,
} from '../../device/register.ts';
import { otherAuthority } from '../client/ca-fingerprint.ts';
import { isOwnMachine } from '../client/own-machine.ts';
import { reasonText, unreachable } from '../client/unreachable.ts';
import { type Call, CommandFailed, exitCodes } from '../command.ts';
import { qrLines } from '../terminal/qr-code.ts';
import { dateTimeText, durationText, momentText, pairingText, shellWord } from '../text/format.ts';

/** Says each state once, on stderr where stdout is for JSON. */
export function statusSayer(call: Call, url: string, hasCode: boolean) {
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
      if (status.keyFingerprint !== null)
        line('Key         SHA-256 ', { text: status.keyFingerprint, style: 'strong' });
      if (call.has('qr')) sayLink(call, status.link);
      return;
    }
    if (status.status === said) return;
    said = status.status;
    const again = isLast
      ? 'Ask again with the same command'
      : `Asking again in ${durationText(Math.ceil(status.retryInMs / 1_000) * 1_000)} (Ctrl-C stops; the same command goes on later)`;
    const words = {
      pending: `pending since ${momentText(now().toISOString(), now())}`,
      locked: `the registry is locked${hasCode ? ', and its enrolment code opens nothing: it is used up, over, or for another name' : ''}. ${again}`,
      'username-taken': `another credential holds this name. ${again.replace('Asking again', 'Asking once more')}`,
      'replacement-pending': `another credential holds this name; an administrator is asked to replace it. ${again}`,
      busy: `the registry is busy. ${again}`,
      faulty: `the registry has a fault: ${status.detail ?? 'no more is known'} ${again}`,
      unreachable: `cannot reach the registry at ${url} (${reasonText(status.detail ?? '')}). ${again}`,
    }[status.status];
    line(`${isLast ? 'Not decided yet' : 'Waiting'}: ${words}`);
  };
}

/** For the administrator's phone: opens this request at the page. */
function sayLink(call: Call, link: string): void {
  const { terminal } = call;
  const line = call.json ? terminal.error : terminal.line;
  for (const text of qrLines(link)) line({ text, style: 'whiteOnBlack' });
  line(`Page        ${link}`);
  if (isOwnMachine(link))
    line(
      { text: 'Note', style: 'warning' },
      ': that address leads each machine to itself, a phone too. Give one that others reach: --page-url URL',
    );
}

/** Paths that were written or used; null: was not asked for. */
export interface DeviceFiles {
  readonly out: string | null;
  readonly key: string | null;
  readonly certificate: string | null;
}

/** What the device has now, and how to try it. */
export function sayGranted(call: Call, files: DeviceFiles, result: Granted): void {
  const { registered, already, certificate } = result;
  const { line } = call.terminal;
  const held = [files.out, files.key, files.certificate].filter((file) => file !== null);
  const attempt = registered && attemptText(files, registered);
  const isRenewed = already && certificate?.isNew === true;
  line(
    {
      text: isRenewed ? 'Renewed' : already ? 'Granted already' : 'Granted',
      style: 'good',
    },
    isRenewed
      ? `. Wrote ${files.certificate}.`
      : already
        ? `. ${held.join(', ')} ${held.length === 1 ? 'has' : 'have'} the credentials.`
        : `. Wrote ${held.join(', ')} (mode 0600).`,
    registered === null
      ? ' The registry did not answer.'
      : attempt === null
        ? ' It has no rights at the broker yet.'
        : ` Try: ${attempt}`,
  );
  if (certificate === undefined) return;
  const { notAfter, renewAt } = certificate;
  line(
    `The certificate ends ${dateTimeText(notAfter.toISOString())}; the same command renews it from ${dateTimeText(renewAt.toISOString())} on.`,
  );
}

/** Safe to paste into a shell as it stands. */
const plain = /^[\w@%+=:,./#-]+$/;

/** A command of Mosquitto that uses what was granted; null when nothing fits one. */
function attemptText(files: DeviceFiles, registered: Registered): string | null {
  const { out: file, key, certificate } = files;
  const scheme = certificate === null ? 'mqtt:' : 'mqtts:';
  const url = registered.brokers.flatMap(({ urls }) => urls).find((one) => one.startsWith(scheme));
  if (url === undefined || !URL.canParse(url)) return null;
  const { hostname, port } = new URL(url);
  const mqtt = registered.effectivePermissions.filter(({ context }) => context === 'mqtt');
  const read = mqtt.find(({ operation }) => operation !== 'write');
  const topic = read?.resource ?? mqtt[0]?.resource.replace(/[+#]/g, 'test');
  const words = [hostname, registered.username, topic ?? '', registered.mqttClientId ?? '-'];
  const isQuoted = Object.values(files).some((path) => path?.includes("'"));
  if (topic === undefined || !words.every((word) => plain.test(word)) || isQuoted) return null;
  const proof =
    certificate === null || key === null
      ? [`-u ${shellWord(registered.username)}`, `-P "$(jq -r .password ${shellWord(file ?? '')})"`]
      : [
          `--cafile ${shellWord(certificate)}`,
          `--cert ${shellWord(certificate)}`,
          `--key ${shellWord(key)}`,
        ];
  return [
    read === undefined ? 'mosquitto_pub' : 'mosquitto_sub',
    `-h ${hostname}`,
    ...(port === '' || port === defaultPorts[scheme] ? [] : [`-p ${port}`]),
    ...(registered.mqttClientId === null ? [] : [`-i ${shellWord(registered.mqttClientId)}`]),
    ...proof,
    `-t '${topic}'`,
    ...(read === undefined ? ['-m hello'] : []),
  ].join(' ');
}

const defaultPorts = { 'mqtt:': '1883', 'mqtts:': '8883' };

/** What went wrong, as the command line says it. */
export function deviceFault(
  error: unknown,
  username: string,
  url: string,
  expected: string,
): unknown {
  if (error instanceof OtherAuthority) return otherAuthority(error, expected);
  if (error instanceof CertificateEnded)
    return new CommandFailed(exitCodes.refused, error.message, [
      'Move its key and its certificate away, and run the same command again while the registry is unlocked: it asks with a new key, and an administrator decides.',
    ]);
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
  const known = code !== null && Object.hasOwn(refusals, code) ? refusals[code] : undefined;
  const remedy = known ?? (code === null ? 'Is that the address of the registry?' : '');
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
