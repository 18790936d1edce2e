/** For operators: `doctor` looks at the configuration, the installation and the service that runs, and names remedies. */
import { parseConfig } from '../../config/config.ts';
import { ConfigError } from '../../config/fault.ts';
import { trustByFingerprint } from '../client/ca-fingerprint.ts';
import { registryUrl } from '../client/registry-client.ts';
import { reasonText, systemCode } from '../client/unreachable.ts';
import { ownVersion } from '../client/version.ts';
import { type Call, type Command, CommandFailed, exitCodes } from '../command.ts';

type DoctorFinding = Awaited<
  ReturnType<typeof import('../../main.ts')['examineInstallation']>
>[number];

const answerMs = 5_000;
const skewMs = 5_000;
const nodeMajorMin = 24;
/** So long a receiver may be away for its own upgrades. */
const siemLagSeconds = 300;

function versionFinding(): DoctorFinding {
  const major = Number(process.versions.node.split('.')[0]);
  const detail = `gatebook ${ownVersion()}, Node ${process.versions.node}`;
  if (major >= nodeMajorMin) return { check: 'version', status: 'good', detail, remedy: null };
  const remedy = `Install Node ${nodeMajorMin} or later`;
  return { check: 'version', status: 'fault', detail, remedy };
}

/** What the service's own checks mean to who can mend them. */
const checkRemedies: Readonly<Record<string, string>> = {
  store: 'Is the disk full, or the server of GATEBOOK_STORE away? The log of the service says why',
  readModels: 'The log of the service names the projection that stopped; then: gatebook rebuild',
  disk: 'Make room on the disk of GATEBOOK_DATA_DIR',
  checkpoints:
    'The log is not the one that was published: keep everything as it is, and ask your auditors',
};

async function checksOf(url: string): Promise<DoctorFinding[]> {
  const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerMs) });
  const { checks = {} } = (await response.json()) as { checks?: Record<string, string> };
  const serverTime = response.headers.get('date');
  const skew = serverTime === null ? 0 : Date.parse(serverTime) - Date.now();
  const down = Object.entries(checks).filter(([, state]) => state !== 'up');
  return [
    ...down.map(
      ([name]): DoctorFinding => ({
        ...{ check: `service: ${name}`, status: 'fault', detail: 'down' },
        remedy:
          checkRemedies[name] ??
          (name.startsWith('broker:')
            ? 'Start this broker, or look at its log'
            : 'Look at its log'),
      }),
    ),
    ...(down.length > 0
      ? []
      : [
          {
            ...({ check: 'service', status: 'good', remedy: null } as const),
            detail: `${url} is ready: ${Object.keys(checks).join(', ')}`,
          },
        ]),
    ...(Math.abs(skew) <= skewMs
      ? []
      : [
          {
            ...({ check: 'service: clock', status: 'warning' } as const),
            detail: `its clock and the one here are ${Math.round(Math.abs(skew) / 1_000)} s apart`,
            remedy: 'Set both by NTP',
          },
        ]),
  ];
}

/** What is read of the metrics: from which value on it is worth a warning. */
const watched: readonly (readonly [
  pattern: RegExp,
  above: number,
  detail: string,
  remedy: string,
])[] = [
  [
    /^gatebook_projection_lag_events\{[^}]*\} ([\d.e+]+)$/gm,
    0,
    'a read model is behind the others: it stopped',
    'The log of the service says at which event; then: gatebook rebuild',
  ],
  [
    /^gatebook_erasures_pending ([\d.e+]+)$/gm,
    0,
    'erased names are still on a disk of the store',
    'Scavenge each node: gatebook users erasures --pending',
  ],
  [
    /^gatebook_siem_lag_seconds ([\d.e+]+)$/gm,
    siemLagSeconds,
    'audit events wait to be sent to the SIEM for minutes',
    'Is GATEBOOK_SIEM_URL up, and does it take them? The log of the service says why not',
  ],
  [
    /^gatebook_certificates_expiring ([\d.e+]+)$/gm,
    0,
    'certificates of clients end soon, or have ended',
    'gatebook users --certificate-ends-within 30, and why they do not renew',
  ],
];

async function metricsOf(url: string): Promise<DoctorFinding[]> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(answerMs) });
  const text = await response.text();
  return watched.flatMap(([pattern, above, detail, remedy]) =>
    [...text.matchAll(pattern)].some(([, value]) => Number(value) > above)
      ? [{ check: 'service: metrics', status: 'warning', detail, remedy } as const]
      : [],
  );
}

async function serviceFindings(call: Call, url: string): Promise<DoctorFinding[]> {
  try {
    await trustByFingerprint(call);
    return [...(await checksOf(url)), ...(await metricsOf(url))];
  } catch (error) {
    const why =
      error instanceof CommandFailed
        ? error.message
        : `nobody answers at ${url} (${reasonText(systemCode(error))})`;
    const remedy =
      'If it should run: gatebook serve; if it is elsewhere: --url, or GATEBOOK_URL (with --ca-fingerprint)';
    return [{ check: 'service', status: 'warning', detail: why, remedy }];
  }
}

async function installationFindings(call: Call): Promise<DoctorFinding[]> {
  try {
    const config = parseConfig(call.environment);
    const { examineInstallation } = await import('../../main.ts');
    return [
      { check: 'configuration', status: 'good', detail: 'every setting is right', remedy: null },
      ...(await examineInstallation(config)),
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable, problem, remedy }) => ({
      ...({ check: 'configuration', status: 'fault' } as const),
      ...{ detail: `${variable} ${problem}`, remedy },
    }));
  }
}

const styles = { good: 'good', warning: 'warning', fault: 'bad' } as const;

async function runDoctor(call: Call): Promise<number> {
  const url = registryUrl(call.text('url') ?? call.settings.url);
  const findings = [
    versionFinding(),
    ...(await installationFindings(call)),
    ...(await serviceFindings(call, url)),
  ];
  const faults = findings.filter(({ status }) => status === 'fault').length;
  const warnings = findings.filter(({ status }) => status === 'warning').length;
  if (call.json) call.terminal.json(JSON.stringify({ version: ownVersion(), faults, findings }));
  else {
    for (const { check, status, detail, remedy } of findings) {
      call.terminal.line({ text: status.padEnd(8), style: styles[status] }, `${check}: ${detail}`);
      if (remedy !== null) call.terminal.line(`          ${remedy}`);
    }
    call.terminal.line(
      faults + warnings === 0 ? 'Nothing to mend.' : `Faults: ${faults}. Warnings: ${warnings}.`,
    );
  }
  return faults > 0 ? exitCodes.failed : exitCodes.done;
}

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'look at configuration, folders, keys, disk, clock, store, brokers and the service',
  positionals: '',
  options: { json: { help: 'print what was found' } },
  notes: [
    'Reads the same environment variables as gatebook serve, and changes nothing. Exit 1: there is a fault.',
    'Run it as the user that runs Gatebook, beside a service or without one.',
  ],
  examples: ['gatebook doctor', 'GATEBOOK_DATA_DIR=/var/lib/gatebook gatebook doctor --json'],
  run: runDoctor,
};
