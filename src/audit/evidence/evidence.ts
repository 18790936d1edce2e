/** What this installation can show of itself at this moment, item by item. */
import type { Evidence, EvidenceItem } from '../../api/evidence.ts';
import type { Config } from '../../config/config.ts';
import type { CertificateAuthority } from '../../credentials/certificates/authority.ts';
import { evidenceCountedMax } from '../../limits/audit.ts';
import { certificateExpiringDays } from '../../limits/jobs.ts';
import { addMs } from '../../platform/instant.ts';
import type { Views } from '../../views/views.ts';
import type { Audit } from '../audit.ts';
import { installedEvidence, ownVersion } from './installed.ts';
import { goodIf, item } from './item.ts';
import { type PeopleOptions, peopleEvidence } from './people.ts';
import { settingsEvidence } from './settings.ts';

/** As `gatebook doctor` finds it. */
interface DoctorFound {
  readonly check: string;
  readonly status: 'good' | 'warning' | 'fault';
  readonly detail: string;
}

interface EvidenceOptions extends PeopleOptions {
  readonly config: Config;
  readonly audit: Pick<Audit, 'tree' | 'checkpoints' | 'verifierKey' | 'signer'>;
  readonly ca: Pick<CertificateAuthority, 'root' | 'certificate' | 'fingerprint'>;
  readonly views: Pick<Views, 'user' | 'tokens' | 'events' | 'erasures' | 'users' | 'publicKeys'>;
  /** What the installation stands on, looked at. */
  readonly examine: () => Promise<readonly DoctorFound[]>;
}

const dayMs = 86_400_000;

function logEvidence({ audit }: EvidenceOptions): EvidenceItem[] {
  const { tree, checkpoints, verifierKey } = audit;
  const latest = checkpoints.latest();
  const fault = checkpoints.fault();
  return [
    item('log', 'The log, and its newest checkpoint', ['2.12', '3.9'], goodIf(latest !== null), {
      'events now': tree.size(),
      'root now (base64)': tree.root().toString('base64'),
      'events in the newest checkpoint': latest?.size,
      'its root (base64)': latest?.rootHash,
      'verifier key': verifierKey,
    }),
    item('verified', 'The log against what was published', ['3.4', '3.9'], goodIf(fault === null), {
      'compared with the newest checkpoint at the start':
        fault === null ? 'it fits' : fault.message,
      'compared by somebody else':
        'gatebook verify, with a checkpoint from elsewhere: not known here',
    }),
  ];
}

async function keptEvidence({ views, now }: EvidenceOptions): Promise<EvidenceItem[]> {
  const page = { cursor: undefined, order: 'desc' as const };
  const taken = await views.events({ ...page, type: 'BackupTaken', limit: 1 }, false);
  const [last] = taken.items;
  const erased = await views.erasures({
    status: 'pending',
    limit: evidenceCountedMax,
    cursor: undefined,
  });
  const monthAgo = addMs(now(), -30 * dayMs);
  return [
    item(
      'backup',
      'The last backup that was taken from the running service',
      ['7.3'],
      goodIf(last !== undefined && last.at > monthAgo),
      { at: last?.at, by: last?.actor.name, 'with the keys': last && last.data.withKeys === true },
    ),
    item(
      'erasures',
      'Erased names that a disk of the store may still have',
      ['4.2'],
      goodIf(erased.items.length === 0),
      { pending: erased.items.length },
    ),
  ];
}

async function certificateEvidence(options: EvidenceOptions): Promise<EvidenceItem[]> {
  const { ca, views, config, now } = options;
  const ending = await views.users({
    ...{
      certificateEndsWithinDays: certificateExpiringDays,
      limit: evidenceCountedMax,
      cursor: undefined,
    },
  });
  const caEnds = ca.certificate.validToDate.toISOString();
  const isSound = caEnds > addMs(now(), certificateExpiringDays * dayMs);
  const { keys } = views.publicKeys();
  return [
    item(
      'certificates',
      'Certificates and their ends',
      ['1.8', '1.9'],
      goodIf(isSound && ending.items.length === 0),
      {
        'CA (SHA-256 of its root)': ca.fingerprint,
        'the issuer ends': caEnds,
        'the root ends': ca.root.validToDate.toISOString(),
        'of the TLS ports': config.tls.given === null ? 'by this CA, renewed by itself' : 'given',
        [`of clients, that end within ${certificateExpiringDays} days`]: ending.items.length,
      },
    ),
    item(
      'keys',
      'Keys that tokens are signed by',
      ['1.14', '4.3'],
      'told',
      Object.fromEntries(
        keys.map(({ kid, use, until }) => [kid, until === null ? use : `${use} until ${until}`]),
      ),
    ),
  ];
}

async function foundEvidence({ examine }: EvidenceOptions): Promise<EvidenceItem> {
  const found = await examine();
  return item(
    'doctor',
    'What gatebook doctor finds',
    ['3.3'],
    goodIf(found.every(({ status }) => status === 'good')),
    Object.fromEntries(
      found.map(({ check, status, detail }, index) => [
        `${index + 1}. ${check}`,
        `${status}: ${detail}`,
      ]),
    ),
  );
}

async function gather(options: EvidenceOptions): Promise<Evidence> {
  const at = options.now();
  return {
    ...{ at, origin: options.audit.signer.name, version: ownVersion },
    items: [
      ...settingsEvidence(options.config),
      ...(await peopleEvidence(options)),
      ...(await certificateEvidence(options)),
      ...logEvidence(options),
      ...(await keptEvidence(options)),
      ...(await installedEvidence()),
      await foundEvidence(options),
    ],
  };
}

/** Who asks while somebody's is gathered gets the same: all accounts are looked at for it. */
export function createEvidence(options: EvidenceOptions): () => Promise<Evidence> {
  let running: Promise<Evidence> | null = null;
  return () => {
    running ??= gather(options).finally(() => {
      running = null;
    });
    return running;
  };
}
