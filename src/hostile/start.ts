/** A hostile registry, for authors of devices: refused where a plant could come to it, and said aloud. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { openAuthority } from '../credentials/certificates/authority.ts';
import { issueServerIdentity } from '../credentials/certificates/server-identity.ts';
import type { Logger } from '../logger.ts';
import type { Lifecycle } from '../platform/lifecycle.ts';
import { pause } from '../platform/pause.ts';
import { makeFolder } from '../platform/private-file.ts';
import type { ServerIdentity } from '../platform/server-identity.ts';
import { LogNotLive } from '../store/errors.ts';
import { isShared } from '../store/location.ts';
import { hostileConnections } from './connections.ts';
import { hostileDoor } from './door.ts';
import { fatesOf } from './fates.ts';
import { hostileIdentity } from './identity.ts';

interface Hostility {
  readonly door: ReturnType<typeof hostileDoor>;
  readonly watch: ReturnType<typeof hostileConnections>;
  readonly identity: ServerIdentity;
}

/** What others share is none of a hostile registry's. @throws LogNotLive */
export function requireAlone(config: Config): void {
  if (config.hostileSeed === null) return;
  const isAlone = !isShared(config) && config.brokers.every(({ kind }) => kind === 'embedded');
  if (isAlone && config.gateway === null) return;
  throw new LogNotLive(
    'a hostile registry has its own log and the embedded broker alone: leave GATEBOOK_STORE, GATEBOOK_BROKER and GATEBOOK_GATEWAY_UPSTREAM out',
  );
}

/** Null: it is one to rely on. */
export async function hostilityOf(
  own: ServerIdentity,
  {
    config,
    names,
    now,
    logger,
    lifecycle,
  }: {
    readonly config: Config;
    /** Of this service, which the impostor takes. */
    readonly names: readonly string[];
    readonly now: () => string;
    readonly logger: Logger;
    readonly lifecycle: Lifecycle;
  },
): Promise<Hostility | null> {
  const seed = config.hostileSeed;
  if (seed === null) return null;
  logger.warn(
    'HOSTILE: this registry lies to devices and drops them, to try clients. Never run a plant on it',
    {
      seed,
      folder: config.dataDir,
    },
  );
  const keysDir = join(config.dataDir, 'impostor');
  makeFolder(keysDir);
  const ca = await openAuthority({ keysDir, given: null, now });
  const { signal } = lifecycle;
  const { identity: impostor, ended } = issueServerIdentity({
    ...{ authority: ca, names, now, signal },
    onRenewed: () => undefined,
  });
  lifecycle.runs(ended);
  const fates = fatesOf(seed);
  const time = {
    nowMs: () => Date.now(),
    sleep: (ms: number) => pause(ms, signal),
  };
  return {
    door: hostileDoor(seed, () => fates, time),
    watch: hostileConnections(() => fates),
    identity: hostileIdentity(own, impostor, () => fates),
  };
}
