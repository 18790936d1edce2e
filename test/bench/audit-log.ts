/**
 * Makes a log of about so many events by what devices and administrators do, in the real service:
 * `node test/bench/audit-log.ts COUNT FOLDER`. Prints what was made as JSON.
 */
import { randomBytes } from 'node:crypto';
import { newCause } from '../../src/commands/handle.ts';
import { parseConfig } from '../../src/config/config.ts';
import { byChance } from '../../src/credentials/making.ts';
import { createLogger } from '../../src/logger.ts';
import { type RunningService, startService } from '../../src/main.ts';

/** What was made, for who measures it. */
export interface Made {
  readonly events: number;
  readonly seconds: number;
  /** When half of it was there. */
  readonly half: string;
  /** A client whose story was over shortly before. */
  readonly username: string;
}

export const adminPassword = 'measured-by-many';
const atOnce = 200;
/** Events of one client's story, on average. */
const eventsEach = 11;

const [count = 0, dataDir = ''] = [Number(process.argv[2]), process.argv[3]];

async function administrator({ app, ready }: RunningService) {
  const response = await fetch(`${ready.http}/api/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: adminPassword }),
  });
  const { token } = (await response.json()) as { token: string };
  const caller = await app.authority.caller(token);
  if (caller === null) throw new Error('the administrator cannot sign in');
  const authorize = () => caller;
  return () => ({ caller, authorize, source: '127.0.0.1', cause: newCause(), making: byChance });
}

type By = Awaited<ReturnType<typeof administrator>>;

/** Asks, is granted, gets other rights, is suspended and resumed; every other one is revoked. */
async function story({ app }: RunningService, by: By, number: number): Promise<void> {
  const { registration, administration } = app;
  const username = `press-${number}`;
  const asked = await registration.ask(
    {
      ...{ username, password: randomBytes(16).toString('hex'), source: '10.4.0.17' },
      ...{ flow: 'explicit', clientId: null, pairingId: null },
      context: { model: 'P-400', site: 'hall 7' },
      ...{ requestedRoles: ['press'], requestedPermissions: [] },
    },
    newCause(),
  );
  if (asked.kind !== 'pending') throw new Error(`${username} is ${asked.kind}`);
  const hall = { context: 'mqtt', operation: 'read', resource: `hall/${number % 50}/#` } as const;
  await administration.grant(by(), asked.requestId, { roles: ['press'] });
  for (const permissions of [[hall], [], [hall]]) {
    const rights = { roles: ['press'], permissions };
    await administration.setAuthorization(by(), username, rights, null);
  }
  await administration.suspend(by(), username, null);
  await administration.resume(by(), username, null);
  if (number % 2 === 1) await administration.revoke(by(), username, 'out of use');
}

async function made(service: RunningService): Promise<Made> {
  const by = await administrator(service);
  const { administration, audit } = service.app;
  await administration.unlock(by(), { durationMs: 86_400_000, maxRequests: 1_000_000 });
  await administration.putRole(by(), 'press', {
    permissions: [{ context: 'mqtt', operation: 'readWrite', resource: `plant/\${username}/#` }],
  });
  const stories = Math.round(count / eventsEach);
  const middle = Math.round(stories / 2);
  const startedMs = performance.now();
  let half = '';
  let next = 0;
  const worker = async () => {
    while (next < stories) {
      const number = next++;
      await story(service, by, number);
      if (number === middle) half = new Date().toISOString();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - startedMs) / 1_000;
  // Far enough back that it was over, and one of those that were not revoked.
  const before = Math.max(0, middle - 2 * atOnce);
  return { events: audit.tree.size(), seconds, half, username: `press-${before - (before % 2)}` };
}

if (import.meta.main) {
  const config = parseConfig({
    GATEBOOK_DATA_DIR: dataDir,
    GATEBOOK_HTTP_PORT: '0',
    GATEBOOK_MQTT_PORT: '0',
    GATEBOOK_MQTT_WS_PORT: 'off',
    GATEBOOK_ADMIN_PASSWORD: adminPassword,
    GATEBOOK_SOURCE_ATTEMPTS_PER_MINUTE: '0',
    GATEBOOK_PENDING_MAX: '1000000',
    GATEBOOK_PENDING_PER_SOURCE_MAX: '1000000',
  });
  const service = await startService(
    config,
    createLogger({ level: 'warn', write: (line) => process.stderr.write(line) }),
  );
  const result = await made(service);
  await service.stop();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
