/** Requests as nobody should send them: right ones that a seeded generator has broken in one of many ways. */
import { attribute, csrDer, der, keyPairs, oid, pem, sequence } from './csr.ts';

/** Numbers from 0 to `below`, the same for the same seed (mulberry32). */
export function numbersFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Next = (below: number) => number;

const randomBytes = (next: Next, length: number) =>
  Buffer.from(Array.from({ length }, () => next(256)));

/** Empty values within values. */
function nested(depth: number, tag: number): Buffer {
  const heads: Buffer[] = [];
  for (let length = 0; heads.length < depth; ) {
    const head = der(tag, Buffer.alloc(length)).subarray(0, -length || undefined);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}

const at = (next: Next, bytes: Buffer): number => next(bytes.length);

/** Ways to break bytes. */
const breaks: readonly ((bytes: Buffer, next: Next) => Buffer)[] = [
  (bytes, next) => bytes.subarray(0, at(next, bytes)),
  (bytes, next) => bytes.subarray(at(next, bytes)),
  (bytes, next) => {
    for (let left = 1 + next(4); left > 0; left--) bytes[at(next, bytes)] = next(256);
    return bytes;
  },
  (bytes, next) => {
    const where = at(next, bytes);
    bytes[where] = (bytes[where] ?? 0) ^ (1 << next(8));
    return bytes;
  },
  (bytes, next) => {
    const where = at(next, bytes);
    const more = randomBytes(next, 1 + next(16));
    return Buffer.concat([bytes.subarray(0, where), more, bytes.subarray(where)]);
  },
  (bytes, next) => {
    const where = at(next, bytes);
    return Buffer.concat([bytes.subarray(0, where), bytes.subarray(where + 1 + next(8))]);
  },
  (bytes, next) => {
    // A length in more octets than it needs, or far too long.
    const where = at(next, bytes);
    const octets = 1 + next(5);
    const length = Buffer.concat([Buffer.from([0x80 + octets]), randomBytes(next, octets)]);
    return Buffer.concat([bytes.subarray(0, where), length, bytes.subarray(where)]);
  },
  (bytes, next) => {
    const where = at(next, bytes);
    const inside = nested(1 + next(300), [0x30, 0x31, 0xa0, 0x24][next(4)] ?? 0x30);
    return Buffer.concat([bytes.subarray(0, where), inside, bytes.subarray(where)]);
  },
  (_bytes, next) => randomBytes(next, next(512)),
  (_bytes, next) => nested(next(1_000), 0x30),
  (bytes, next) => Buffer.concat([bytes, randomBytes(next, next(9_000))]),
];

/** Whole requests, each right but for `wrong`. */
function seeds(username: string) {
  const kinds = [keyPairs.p256(), keyPairs.p384(), keyPairs.ed25519(), keyPairs.rsa()];
  const [first = keyPairs.p256()] = kinds;
  const cn = attribute(oid.commonName, username);
  const whole = (parts: object) => csrDer({ username, ...first, ...parts });
  return [
    ...kinds.map((keys) => csrDer({ username, ...keys })),
    whole({ subject: sequence(cn, cn) }),
    whole({ subject: sequence(attribute(oid.commonName, `${username}\0`)) }),
    whole({ publicKey: keyPairs.p256().publicKey }),
    whole({ attributes: der(0xa0, nested(15, 0x30)) }),
    whole({ subject: sequence(...Array.from({ length: 200 }, () => cn)) }),
  ];
}

/** Texts without end for this seed. */
export function* hostileCsrs(seed: number, username: string): Generator<string, never, void> {
  const next = numbersFrom(seed);
  const from = seeds(username);
  for (;;) {
    let bytes: Buffer = Buffer.from(from[next(from.length)] ?? []);
    for (let left = 1 + next(3); left > 0 && bytes.length > 0; left--)
      bytes = Buffer.from(breaks[next(breaks.length)]?.(bytes, next) ?? bytes);
    if (next(20) > 0) {
      yield pem(bytes);
      continue;
    }
    const text = Buffer.from(pem(bytes), 'latin1');
    yield (text.length > 0 ? (breaks[next(7)]?.(text, next) ?? text) : text).toString('latin1');
  }
}
