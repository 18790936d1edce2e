/** One example of each route: a body that it takes, and the call with curl and with JavaScript. */
import { Nothing, type Route } from '../route.ts';

const permissions = [{ context: 'mqtt', operation: 'readWrite', resource: 'plant/press-17/#' }];
const id = '3f0c1d2e-8a47-4c5b-9d60-1e2f3a4b5c6d';

/** What is sent to routes that take something, by their operation; whole where that is short. */
const bodies: Readonly<Record<string, object>> = {
  register: {
    username: 'press-17',
    password: 'd2f1c0b9a8e7f6d5c4b3a29180716253',
    pairingId: 'a1b2c3',
    context: { serial: 'SN-4711' },
  },
  unlock: { durationMs: 300_000, maxRequests: 20, usernamePattern: 'press-*', note: 'line 4' },
  grantRequest: { permissions, reason: 'line 4, new presses' },
  denyRequest: { reason: 'not one of ours' },
  grantRequests: { ids: [id], permissions },
  denyRequests: { ids: [id], reason: 'not one of ours' },
  createUser: { username: 'press-17', permissions },
  importUsers: {
    users: [
      {
        username: 'press-17',
        verifier: `$pbkdf2-sha512$i=101,l=64$c2FsdHNhbHQ$${'A'.repeat(86)}`,
        permissions,
      },
    ],
  },
  setAuthorization: { permissions, reason: 'moved to line 5' },
  createPreauthorization: {
    usernamePattern: 'press-*',
    permissions,
    enrolmentCode: true,
    maxUses: 20,
    until: '2099-12-31T12:00:00Z',
  },
  createSchedule: {
    weekly: { weekday: 'tuesday', time: '06:00', timeZone: 'Europe/Berlin' },
    durationMs: 1_800_000,
  },
  renewCertificate: {
    csr: '-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n',
  },
  approveProposal: { hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' },
  login: { username: 'admin', password: 'as it was given to you' },
  openSession: { username: 'admin', password: 'as it was given to you' },
  finishDeviceSignIn: { deviceCode: 'as POST /api/login/sso gave it' },
  issueToken: { label: 'dashboard' },
  putRole: { permissions, description: 'presses of line 4' },
};

/** Undefined: it takes none. */
export const exampleBody = ({ body, operationId }: Route): object | undefined =>
  body === undefined || body === Nothing ? undefined : (bodies[operationId] ?? {});

const values: Readonly<Record<string, string>> = { username: 'press-17', name: 'press' };
const pathOf = ({ path }: Route): string =>
  path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => values[name] ?? id);

const needsToken = ({ access }: Route): boolean => access !== 'open' && access !== 'certificate';

/** In a shell, with the address and a token in its environment. */
export function curlOf(route: Route): string {
  const body = exampleBody(route);
  const { upload } = route;
  const lines = [
    `curl${route.method === 'GET' ? '' : ` -X ${route.method}`} "$GATEBOOK_URL${pathOf(route)}"`,
    ...(route.access === 'certificate' ? ['--cert press-17.pem --key press-17.key'] : []),
    ...(needsToken(route) ? ['-H "Authorization: Bearer $GATEBOOK_TOKEN"'] : []),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body)}'`]),
    ...(upload === undefined
      ? []
      : [`-H 'Content-Type: ${upload.mediaType}'`, '--data-binary @file']),
  ];
  return lines.join(' \\\n  ');
}

export function javascriptOf(route: Route): string {
  const body = exampleBody(route);
  const { upload } = route;
  const headers = [
    ...(needsToken(route) ? [`    Authorization: \`Bearer \${token}\`,`] : []),
    ...(body === undefined ? [] : [`    'Content-Type': 'application/json',`]),
    ...(upload === undefined ? [] : [`    'Content-Type': '${upload.mediaType}',`]),
  ];
  const options = [
    ...(route.method === 'GET' ? [] : [`  method: '${route.method}',`]),
    ...(headers.length === 0 ? [] : ['  headers: {', ...headers, '  },']),
    ...(body === undefined ? [] : [`  body: JSON.stringify(${JSON.stringify(body)}),`]),
    ...(upload === undefined ? [] : ['  body: file,']),
  ];
  const call =
    options.length === 0
      ? `fetch(\`\${url}${pathOf(route)}\`)`
      : `fetch(\`\${url}${pathOf(route)}\`, {\n${options.join('\n')}\n})`;
  return `const response = await ${call};`;
}
