/** Why there is no answer from the registry, in words. */
import { CommandFailed, exitCodes } from '../command.ts';

/** Milliseconds that a response may take, or one portion of a stream. */
export const requestTimeoutMs = 30_000;

/** The system's code for why there is no answer, as deep as fetch hides it. */
export function systemCode(error: unknown): string {
  for (let cause = error, depth = 0; depth < 5 && cause instanceof Error; depth++) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'string') return code;
    cause = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  }
  return 'no answer';
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  ETIMEDOUT: `no answer in ${requestTimeoutMs / 1_000} s`,
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'no way to the host',
  ENETUNREACH: 'no way to the network',
  EFBIG: 'the answer is too large',
};

export const reasonText = (code: string): string => reasons[code] ?? code;

/** Of TLS: whom the other side says it is, was not believed. */
const isDistrust = (code: string): boolean =>
  /CERT|SELF_SIGNED|ISSUER|ALTNAME|LEAF_SIGNATURE/.test(code);

const untrusted = (url: string, code: string): CommandFailed =>
  new CommandFailed(
    exitCodes.unreachable,
    `The registry at ${url} is not trusted (${code}). Nothing was sent.`,
    [
      code === 'ERR_TLS_CERT_ALTNAME_INVALID'
        ? 'Its certificate is for other names: use one of them, or set GATEBOOK_TLS_NAMES where it runs.'
        : 'Give the fingerprint of its CA: --ca-fingerprint, or GATEBOOK_CA_FINGERPRINT (or its file: NODE_EXTRA_CA_CERTS).',
    ],
  );

export const unreachable = (url: string, code: string): CommandFailed =>
  isDistrust(code) ? untrusted(url, code) : noAnswer(url, code);

const noAnswer = (url: string, code: string): CommandFailed =>
  new CommandFailed(
    exitCodes.unreachable,
    `Cannot reach the registry at ${url} (${reasonText(code)}). Is it running? Start it with: npm start`,
    ['Another address: --url, or GATEBOOK_URL'],
  );
