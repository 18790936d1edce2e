/** The server certificate that was given: its files are read again when they change. */
import { readFileSync } from 'node:fs';
import type { GivenCertificate } from '../config/tls.ts';
import { certificateFileBytesMax, certificateLookEveryMs } from '../limits/credentials.ts';
import type { Logger } from '../logger.ts';
import { keyPairFault } from '../platform/key-pair.ts';
import { pause } from '../platform/pause.ts';
import { ChangingIdentity, type ServerIdentity } from '../platform/server-identity.ts';

interface LookOptions {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

interface Following {
  readonly identity: ServerIdentity;
  /** Resolves when the files are looked at no more. */
  readonly ended: Promise<void>;
}

/** Files that do not fit are told once and left, until they change again: what is shown stays. */
export function followGivenCertificate(given: GivenCertificate, options: LookOptions): Following {
  const identity = new ChangingIdentity({ cert: given.cert, key: given.key });
  return { identity, ended: look(given, identity, options) };
}

const read = (file: string | null, otherwise: string): string => {
  if (file === null) return otherwise;
  const text = readFileSync(file, 'utf8');
  if (text.length > certificateFileBytesMax) throw Object.assign(new Error(), { code: 'EFBIG' });
  return text;
};

async function look(given: GivenCertificate, identity: ChangingIdentity, options: LookOptions) {
  const { logger, signal, everyMs = certificateLookEveryMs } = options;
  const { certFile, keyFile } = given;
  if (certFile === null && keyFile === null) return;
  const warn = (problem: string) =>
    logger.warn('The TLS certificate was not changed: the one in use stays', { problem });
  let seen = `${given.key.trim()}\n${given.cert.trim()}`;
  let told = '';
  while (!signal.aborted) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    try {
      const [cert, key] = [read(certFile, given.cert), read(keyFile, given.key)];
      const found = `${key.trim()}\n${cert.trim()}`;
      if (found === seen) continue;
      seen = found;
      const fault = keyPairFault(cert, key);
      if (fault !== null) {
        warn(fault === 'pair' ? 'key and certificate do not belong together' : `no ${fault} in it`);
        continue;
      }
      identity.change({ cert, key });
      told = '';
      logger.info('The TLS certificate was read again');
    } catch (error) {
      const { code = 'unreadable' } = error as { code?: string };
      if (told !== code) warn(`a file cannot be read (${code})`);
      told = code;
    }
  }
}
