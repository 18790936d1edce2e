/** Events as sentences: what happened, for timelines and the history. */
import { doorName } from '../../../domain/client/door-name.ts';
import type { Event } from '../../api/output.ts';
import { nowMs } from '../app/api.ts';
import { counted, dateTime, doorWords } from '../app/words.ts';

export interface Story {
  readonly words: string;
  readonly more: string;
  readonly tone: '' | 'good' | 'wait' | 'bad';
  readonly phase: 'Request' | 'Window' | 'Decision' | 'Activation' | 'Changes';
}

interface StoryRights {
  readonly roles?: readonly string[];
  readonly permissions?: readonly { resource: string }[];
  readonly mqttPublishPrefix?: string | null;
  readonly expiresAt?: string | null;
}

const rightsWords = (rights: StoryRights | undefined): string => {
  const parts = [
    ...(rights?.roles ?? []).map((role) => `role ${role}`),
    ...((rights?.permissions ?? []).length > 0
      ? [counted(rights?.permissions?.length ?? 0, 'own permission', 'own permissions')]
      : []),
    ...(rights?.mqttPublishPrefix ? [`prefix ${rights.mqttPublishPrefix}`] : []),
    ...(rights?.expiresAt ? [`until ${rights.expiresAt.slice(0, 10)}`] : []),
  ];
  return parts.length === 0 ? 'without rights' : parts.join(', ');
};

interface StoryLimits {
  readonly usernamePattern: string | null;
  readonly sources: readonly string[];
  readonly maxRequests: number;
}

const limitsWords = (until: string, limits: StoryLimits | undefined): string =>
  [
    ...(until === '' ? [] : [`until ${dateTime(until, nowMs())}`]),
    ...(limits === undefined
      ? []
      : [
          `for ${limits.usernamePattern ?? 'every name'}`,
          ...(limits.sources.length === 0 ? [] : [`from ${limits.sources.join(' ')}`]),
          `at most ${counted(limits.maxRequests, 'request', 'requests')}`,
        ]),
  ].join(', ');

type StoryLine = readonly [
  words: string,
  tone: Story['tone'],
  phase: Story['phase'],
  more?: string,
];

function lineOf({ type, actor, data }: Event): StoryLine {
  const by = actor.kind === 'system' ? 'by itself' : `by ${actor.name}`;
  const text = (name: string): string =>
    typeof data[name] === 'string' ? (data[name] as string) : '';
  const rights = data.rights as StoryRights | undefined;
  const requestWords = () => {
    const roles = (data.requestedRoles as string[] | undefined) ?? [];
    const pairing = text('pairingId');
    return [
      `${doorWords(doorName(data as Parameters<typeof doorName>[0]))}${text('source') === '' ? '' : ` from ${text('source')}`}`,
      ...(pairing === '' ? [] : [`pairing ID ${pairing}`]),
      ...(roles.length === 0 ? [] : [`asked for role ${roles.join(', ')}`]),
    ].join(', ');
  };
  switch (type) {
    case 'RegistrationRequested':
      return ['asked for access', 'wait', 'Request', requestWords()];
    case 'ReplacementRequested':
      return ['asked with another credential', 'wait', 'Request', requestWords()];
    case 'RegistrationContested':
      return ['was asked for by somebody else', 'bad', 'Request', 'another credential'];
    case 'RegistrationGranted':
      return [
        text('preauthorizationId') === ''
          ? `granted ${by}`
          : `granted by the rule ${text('preauthorizationId')}`,
        'good',
        'Decision',
        rightsWords(rights),
      ];
    case 'ReplacementGranted':
      return [`replacement granted ${by}`, 'good', 'Decision', rightsWords(rights)];
    case 'RegistrationDenied':
    case 'ReplacementDenied':
      return [
        `denied ${by}`,
        'bad',
        'Decision',
        text('blockedUntil') === ''
          ? ''
          : `blocked until ${dateTime(text('blockedUntil'), nowMs())}`,
      ];
    case 'RegistrationExpired':
    case 'ReplacementExpired':
      return ['waited too long', '', 'Decision'];
    case 'ClientCreated':
      return [`made ${by}, without a request`, 'good', 'Decision', rightsWords(rights)];
    case 'AdministratorReset':
      return ['administrator reset at the machine itself', 'bad', 'Decision', rightsWords(rights)];
    case 'CredentialActivated':
      return [`active at ${text('broker')}`, 'good', 'Activation'];
    case 'CredentialDeactivated':
      return [
        `no longer active at ${text('broker')}`,
        '',
        'Activation',
        `${data.sessionsClosed ?? 0} sessions closed`,
      ];
    case 'PersonSignedIn':
      return ['signed in at the identity provider', 'good', 'Changes', rightsWords(rights)];
    case 'PersonBound':
      return ['name bound to a person', '', 'Decision', `of ${text('issuer')}`];
    case 'AuthorizationChanged':
      return [`rights changed ${by}`, '', 'Changes', rightsWords(rights)];
    case 'CredentialRotated':
      return [`password changed ${by}`, '', 'Changes', 'the old one ended'];
    case 'CertificateIssued':
      return [
        'certificate issued',
        'good',
        'Changes',
        `serial ${text('serial')}, until ${text('notAfter')}`,
      ];
    case 'CertificateTaken':
      return ['next certificate taken', 'good', 'Changes', `serial ${text('serial')}`];
    case 'CertificateContested':
      return [
        'replaced certificate shown',
        'bad',
        'Changes',
        `serial ${text('serial')}: two have its key`,
      ];
    case 'AccessSuspended':
      return [`suspended ${by}`, 'wait', 'Changes'];
    case 'AccessResumed':
      return [`resumed ${by}`, 'good', 'Changes'];
    case 'AccessRevoked':
      return [`revoked ${by}`, 'bad', 'Changes'];
    case 'AccessReinstated':
      return [`reinstated ${by}`, '', 'Changes', 'may ask again'];
    case 'AccessEnding':
      return ['access ends soon', 'wait', 'Changes', `at ${dateTime(text('endsAt'), nowMs())}`];
    case 'AccessExpired':
      return ['access ended', '', 'Changes'];
    case 'RegistryUnlocked':
      return [
        `unlocked ${by}`,
        'wait',
        'Window',
        limitsWords(text('until'), data.limits as StoryLimits | undefined),
      ];
    case 'RegistryLocked':
      return [
        `locked ${by}`,
        '',
        'Window',
        data.turnedAwayCount ? `${data.turnedAwayCount} attempts were turned away meanwhile` : '',
      ];
    case 'RoleDefined':
      return [`role ${text('name')} defined ${by}`, '', 'Changes'];
    case 'RoleRemoved':
      return [`role ${text('name')} removed ${by}`, '', 'Changes'];
    case 'TokenIssued':
      return [
        data.kind === 'login' ? 'signed in' : `token issued ${by}`,
        '',
        'Changes',
        text('label'),
      ];
    case 'TokenRevoked':
      return [`token revoked ${by}`, '', 'Changes'];
    case 'PreauthorizationCreated':
      return [`rule made ${by}`, '', 'Changes', text('preauthorizationId')];
    case 'PreauthorizationUsed':
      return ['a use of a rule taken', '', 'Request', text('preauthorizationId')];
    case 'PreauthorizationWithdrawn':
      return [`rule withdrawn ${by}`, '', 'Changes', text('preauthorizationId')];
    case 'AdministratorRemovalReserved':
      return [`taken away as an administrator ${by}: another one stays`, '', 'Changes'];
    case 'BackupTaken':
      return [
        `backup taken ${by}`,
        '',
        'Changes',
        data.withKeys === true ? 'with the keys' : 'without the keys',
      ];
    case 'LogRestored':
      return [
        'log restored from a backup: what came after it is lost',
        '',
        'Changes',
        `the backup of ${text('takenAt')}`,
      ];
    case 'RevocationListRenewed':
      return [
        'list of revoked certificates renewed',
        '',
        'Changes',
        'the one before nears its end',
      ];
    default:
      return [`${type} ${by}`, '', 'Changes'];
  }
}

/** What an event says, without the name of the client. */
export function storyOf(event: Event): Story {
  const [words, tone, phase, more = ''] = lineOf(event);
  return { words, more, tone, phase };
}

/**
 * The story of one client: of a window that was unlocked again, which limits were in force when the newest
 * request came in, and which were set before or after it.
 */
export function clientStory(events: readonly Event[]): { event: Event; story: Story }[] {
  const windows = events.filter(({ type }) => type === 'RegistryUnlocked');
  const asked = events.findLast(
    ({ type, windowId }) =>
      (type === 'RegistrationRequested' || type === 'ReplacementRequested') &&
      windowId === windows[0]?.windowId,
  );
  const inForce = windows.findLast(({ index }) => asked !== undefined && index < asked.index);
  return events.map((event) => {
    const story = storyOf(event);
    if (event.type !== 'RegistryUnlocked') return { event, story };
    const words =
      event === windows[0] ? story.words : story.words.replace('unlocked', 'limits changed');
    const when =
      event === inForce
        ? 'in force when it asked'
        : asked !== undefined && event.index > asked.index
          ? 'after it asked'
          : 'before it asked';
    return { event, story: { ...story, words, more: `${story.more} · ${when}` } };
  });
}

/** The reason or the note that somebody gave. */
export const givenWords = ({ data }: Event): string => {
  const limits = data.limits as { note?: string | null } | undefined;
  for (const said of [data.reason, data.note, limits?.note, data.description])
    if (typeof said === 'string' && said !== '') return said;
  return '';
};

export const capital = (text: string): string => (text[0] ?? '').toUpperCase() + text.slice(1);

/** The data of an event as pairs; what is nested as JSON. */
export const dataPairs = ({ data }: Event): [string, string][] =>
  Object.entries(data)
    .filter(
      ([name, value]) =>
        !['at', 'by', 'username', 'personalKeyId'].includes(name) && value !== undefined,
    )
    .map(([name, value]) => [
      name,
      value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value),
    ]);
