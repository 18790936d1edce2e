/** Every problem that can be answered: which HTTP status a code has, its words, and the document (RFC 9457). */
interface Row {
  readonly status: number;
  readonly title: string;
  /** What happened and what to do, where the place that refuses has nothing better to say. */
  readonly detail: string;
}

const row = (status: number, title: string, detail: string): Row => ({ status, title, detail });

/** Every code of WIRE "Problems". A code is for ever; its words may change. */
const table = {
  'request-malformed': row(400, 'Malformed request', 'Correct what errors names and try again.'),
  'token-missing': row(
    401,
    'Not signed in',
    'Send a token as "Authorization: Bearer …"; POST /api/login issues one.',
  ),
  'token-invalid': row(
    401,
    'Token not valid',
    'The token is malformed, expired, revoked or of another service: sign in again.',
  ),
  'credentials-invalid': row(
    401,
    'Not signed in',
    'Username and password do not open this registry: check both and try again.',
  ),
  'permission-missing': row(
    403,
    'Not allowed',
    'This needs the permission named in required; an administrator can give it.',
  ),
  'rights-exceed-own': row(
    403,
    'More than your own rights',
    'Nobody hands out HTTP rights that they lack: leave those out, or ask somebody who has them.',
  ),
  'sso-not-permitted': row(
    403,
    'Not permitted',
    'The identity provider knows you, but nothing that it says of you gives access here: ask who runs this registry.',
  ),
  'sso-username-taken': row(
    403,
    'Name taken',
    'The name that the identity provider gives you belongs to somebody else here: ask who runs it for another name.',
  ),
  'self-approval': row(
    403,
    'Not by yourself',
    'You proposed this, which counts as the first approval: somebody else must approve.',
  ),
  'approval-needs-session': row(
    403,
    'Only a person approves',
    'Approve with a session of your own, from a sign-in: a long-lived token does not.',
  ),
  'transport-insecure': row(
    403,
    'Not over this connection',
    'This goes out over TLS only, or on the machine itself: use the HTTPS port, or ask there at 127.0.0.1.',
  ),
  'route-not-found': row(
    404,
    'No such route',
    'There is nothing at this path: /docs lists every route. Paths are case-sensitive and end without a slash.',
  ),
  'request-not-found': row(404, 'No such request', 'No registration request has this id.'),
  'user-not-found': row(404, 'No such user', 'Nobody of this name was ever known here.'),
  'role-not-found': row(404, 'No such role', 'Name a role that GET /api/roles lists, or make it.'),
  'token-not-found': row(404, 'No such token', 'No token has this id.'),
  'window-not-found': row(404, 'No such window', 'The registry was never unlocked under this id.'),
  'preauthorization-not-found': row(
    404,
    'No such preauthorization',
    'Name a preauthorization that GET /api/client-registry/preauthorizations lists.',
  ),
  'schedule-not-found': row(
    404,
    'No such schedule',
    'Name a schedule that GET /api/client-registry/windows lists.',
  ),
  'broker-not-found': row(404, 'No such broker', 'Name a broker that GET /api/brokers lists.'),
  'approval-not-found': row(
    404,
    'No such proposal',
    'Name a proposal that GET /api/approvals lists.',
  ),
  'method-not-allowed': row(
    405,
    'Method not allowed',
    'This path does not take this method: Allow names those that it takes.',
  ),
  'username-taken': row(
    409,
    'Username taken',
    'This name is held by another credential: choose another name, or ask an administrator.',
  ),
  'request-contested': row(
    409,
    'Contested request',
    'Somebody else asked for this name with another credential. Compare the pairing ID with the device, then repeat with "confirmContested": true.',
  ),
  'replacement-not-in-bulk': row(
    409,
    'Replacement left alone',
    'This request would replace the credential of an active client: decide it by itself.',
  ),
  'request-already-granted': row(
    409,
    'Already granted',
    'This request is granted already, with other rights: change them at the user.',
  ),
  'request-already-denied': row(409, 'Already denied', 'This request is denied already.'),
  'request-expired': row(
    409,
    'Request expired',
    'This request waited too long and ended: the device asks again.',
  ),
  'user-not-active': row(409, 'User not active', 'Only an active user can do or take this.'),
  'user-not-suspended': row(409, 'User not suspended', 'Only a suspended user can be resumed.'),
  'user-not-revoked': row(
    409,
    'Nothing to reinstate',
    'Only a user who is revoked, denied or expired can be reinstated.',
  ),
  'role-in-use': row(
    409,
    'Role in use',
    'Users or preauthorizations have this role: take it from them first, then remove it.',
  ),
  'role-built-in': row(409, 'Built-in role', 'Built-in roles stay as they are: make another one.'),
  'user-from-sso': row(
    409,
    'Signs in elsewhere',
    'This person signs in at the identity provider: it has no password here, and its roles follow its groups there.',
  ),
  'approvals-full': row(
    409,
    'Too much waits for approval',
    'As many commands wait for approvers as there may be, of one person or in all: have some approved, or reject those that are needed no more.',
  ),
  'schedules-full': row(
    409,
    'Too many schedules',
    'As many windows are scheduled as there may be: cancel one that is needed no more.',
  ),
  'preauthorizations-full': row(
    409,
    'Too many preauthorizations of any name',
    'As many as there may be stand without naming one client or asking for a proof, and each attempt looks at them all: withdraw some that are needed no more, name the client, or ask for an enrolment code or a key.',
  ),
  'backup-running': row(
    409,
    'A backup is being taken',
    'One backup is taken at a time: wait until that one has ended.',
  ),
  'last-administrator': row(
    409,
    'Last administrator',
    'This is the last active administrator without an end: make another one first.',
  ),
  'approval-ended': row(
    409,
    'No longer waiting',
    'This proposal was decided, has ended, or its answer was collected: propose anew.',
  ),
  'approval-changed': row(
    409,
    'Changed meanwhile',
    'What it would do is not what was proposed or shown any more: look at it again, or propose anew.',
  ),
  'replacement-pending': row(
    409,
    'Replacement waits',
    'This name has access with another credential; this one waits for an administrator. Ask again later.',
  ),
  'registration-denied': row(403, 'Denied', 'An administrator denied this registration.'),
  'access-suspended': row(403, 'Suspended', 'This access is suspended for now.'),
  'access-revoked': row(
    410,
    'Revoked',
    'This access was revoked: only an administrator can let this name ask again.',
  ),
  'access-expired': row(410, 'Expired', 'This access has ended: ask again when it is unlocked.'),
  'body-too-large': row(413, 'Body too large', 'A body has at most 65536 bytes: send less.'),
  'media-type-unsupported': row(
    415,
    'Unsupported media type',
    'Send the body as "Content-Type: application/json" in UTF-8, without a content encoding.',
  ),
  'registry-locked': row(
    423,
    'Registry locked',
    'The registry takes no new requests now: ask an administrator to unlock it, and try again.',
  ),
  'source-throttled': row(
    429,
    'Too many attempts',
    'Too many attempts came from this address: wait and try again.',
  ),
  'login-throttled': row(
    429,
    'Too many attempts',
    'Too many sign-ins failed for this name from this address: wait and try again.',
  ),
  'window-full': row(
    429,
    'Window full',
    'As many devices asked as this window admits: an administrator can raise the limit.',
  ),
  'pending-full': row(
    429,
    'Too many waiting',
    'Too many requests wait for a decision: try again when some are decided.',
  ),
  'transfer-coding-unsupported': row(
    501,
    'Transfer coding not supported',
    'Of Transfer-Encoding chunked alone is understood: send the body without another coding.',
  ),
  'internal-error': row(500, 'Internal error', 'Something broke here.'),
  'sso-unavailable': row(
    503,
    'Sign-in unavailable',
    'The identity provider does not answer: wait and try again, or sign in with a local account.',
  ),
  'store-unavailable': row(
    503,
    'Log not available',
    'Nothing was changed: the log cannot be read or written now. Try again.',
  ),
  'hashing-busy': row(
    503,
    'Too many passwords to check',
    'More passwords arrive than can be checked now: try again.',
  ),
  'position-not-reached': row(
    503,
    'Not that far yet',
    'This node has not read as far as the Gatebook-Position sent: try again.',
  ),
  stopping: row(503, 'Stopping', 'This node is stopping: try again, or another node.'),
} as const satisfies Record<string, Row>;

export type ProblemCode = keyof typeof table;

/** What problems look like, for the API description. */
export const problemTable: Readonly<Record<ProblemCode, Row>> = table;

/** One fault of a request: where, as a JSON pointer in a URI fragment (RFC 6901) or a parameter. */
export type Fault =
  | { readonly pointer: string; readonly detail: string }
  | { readonly parameter: string; readonly detail: string };

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly errors?: readonly Fault[];
  readonly [member: string]: unknown;
}

/** Whether a problem says when to come back (WIRE "Conventions"). */
export const waits = (code: ProblemCode) =>
  [423, 429, 503].includes(problemTable[code].status) || code === 'replacement-pending';
