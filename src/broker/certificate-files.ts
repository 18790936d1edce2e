/** Keeps the CA's chain and its list of revoked certificates in files that brokers read, and has them told of each change. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { processEnvironment } from '../config/reading.ts';
import { prefix } from '../config/variables.ts';
import {
  certificateFilesCommandMs,
  certificateFilesLookEveryMs,
  certificateFilesSettleMs,
} from '../limits/brokers.ts';
import type { Logger } from '../logger.ts';
import { pause } from '../platform/pause.ts';
import { makeFolder, replaceFile } from '../platform/private-file.ts';

interface CertificateFilesOptions {
  readonly dir: string;
  /** Run by the shell after each change; null: the brokers are told by somebody else. */
  readonly command: string | null;
  /** PEM. */
  readonly chain: () => string;
  readonly list: {
    /** DER: one of each issuer. */
    all(): Promise<readonly Buffer[]>;
    onChange(listener: () => void): void;
  };
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

interface FilesForBrokers {
  /**
   * Resolves when everything that was revoked before the call stands in the file, and the brokers were told; also when that
   * failed, which is logged and tried again.
   */
  inForce(): Promise<void>;
  readonly ended: Promise<void>;
}

/** There is no secret in them, and a broker is another user of the machine. */
const mode = 0o644;

const pemOf = (der: Buffer): string =>
  `-----BEGIN X509 CRL-----\n${der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')}\n-----END X509 CRL-----\n`;

export function keepCertificateFiles(options: CertificateFilesOptions): FilesForBrokers {
  const { chain, list, logger, signal } = options;
  /** What the brokers were last told of. */
  let told: { readonly ca: string; readonly lists: string } | null = null;
  let running = Promise.resolve();
  let waiting: Promise<void> | null = null;

  async function write(): Promise<void> {
    try {
      const lists = (await list.all()).map(pemOf).join('');
      const current = { ca: chain(), lists };
      const isTold = told?.ca === current.ca && told.lists === current.lists;
      if (isTold || signal.aborted) return;
      makeFolder(options.dir, 0o755);
      await replaceFile(join(options.dir, 'ca.pem'), current.ca, mode);
      await replaceFile(join(options.dir, 'crl.pem'), current.lists, mode);
      await tell(options);
      told = current;
    } catch (error) {
      if (signal.aborted) return;
      logger.error('Brokers may go by an old list of revoked certificates; trying again', {
        ...{ dir: options.dir, error: faultOf(error) },
      });
    }
  }

  /** One at a time: who asks while one is written waits for the one after it. */
  function written(): Promise<void> {
    waiting ??= running.then(() => {
      waiting = null;
      running = write();
      return running;
    });
    return waiting;
  }

  list.onChange(() => void written());
  /** Also by the clock: a list is signed anew before it ends, and what failed is tried again. */
  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await written();
      await pause(certificateFilesLookEveryMs, signal);
    }
  }
  return {
    inForce: written,
    ended: keep(),
  };
}

/** The service's own settings, which hold secrets, are not the command's. */
const environmentOfCommand = () =>
  Object.fromEntries(
    Object.entries(processEnvironment()).filter(([name]) => !name.startsWith(prefix)),
  );

/** Resolves when a broker that was told by a signal has read the files. */
async function tell({ command, dir, signal }: CertificateFilesOptions): Promise<void> {
  if (command === null) return;
  await promisify(execFile)('/bin/sh', ['-c', command], {
    ...{ cwd: dir, env: environmentOfCommand(), signal, timeout: certificateFilesCommandMs },
  });
  await pause(certificateFilesSettleMs, signal);
}

/** Without the command itself, which may hold a password. */
function faultOf(error: unknown): unknown {
  const { cmd, code, killed } = error as { cmd?: string; code?: unknown; killed?: boolean };
  if (cmd === undefined) return error;
  return killed
    ? `the command took longer than ${certificateFilesCommandMs} ms`
    : `the command ended with exit code ${code}`;
}
