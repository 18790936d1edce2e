/** A log in memory with its read models, a vault and a clock that stands still: for what time brings about. */
import { dirname } from 'node:path';
import type { ClientCommand } from '../../domain/client/commands.ts';
import { type Clients, createClients } from '../../src/commands/client-commands.ts';
import { newCause } from '../../src/commands/handle.ts';
import { rowsAtHand } from '../../src/commands/rows-at-hand.ts';
import { createVault, type Vault } from '../../src/credentials/vault.ts';
import { createLogger } from '../../src/logger.ts';
import { rowsOf } from '../../src/read-models/all.ts';
import { followLog } from '../../src/read-models/follow.ts';
import { createPreauthorizations } from '../../src/registration/preauthorizations.ts';
import * as the from './client.ts';
import { memoryStore } from './event-store/memory-store.ts';
import { rowsFile } from './read-models.ts';
import { assert } from './suite.ts';

export const dayMs = 24 * 60 * 60 * 1_000;

export type World = ReturnType<typeof clockWorld>;

export function clockWorld() {
  const file = rowsFile();
  const folder = dirname(file.file);
  const store = memoryStore();
  const models = file.open({ logId: store.logId });
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => lines.push(line) });
  const ending = new AbortController();
  const following = followLog({ store, readModels: models, logger, signal: ending.signal });
  const clock: { at: string } = { at: the.at };
  const now = () => clock.at;
  const vault: Vault = createVault(store, now);
  const settled = async (position: string) => {
    assert.ok(await models.reached(position, 60_000));
  };
  const forgotten: string[] = [];
  const passwords = { forget: (username: string) => void forgotten.push(username) };
  const clients: Clients = createClients({ store, vault, forget: () => undefined, settled });
  return {
    ...{ store, models, vault, clients, clock, lines, forgotten, folder },
    options: {
      atHand: rowsAtHand(models),
      ...{ store, clients, vault, passwords, now, logger },
      rows: rowsOf(models),
      rules: createPreauthorizations({
        ...{ store, now, rows: rowsOf(models), atHand: rowsAtHand(models) },
        authority: { effective: () => [], roleExists: () => true },
        enrolmentCodeId: (code) => code,
        onApplied: () => undefined,
      }),
      turnedAway: () => null,
      refusedTtlMs: 30 * dayMs,
    },
    async stop() {
      ending.abort();
      await following.ended;
      file.remove();
    },
  };
}

export const change = async ({ clients }: World, command: ClientCommand): Promise<void> => {
  const { decision } = await clients.change(command.username, command, newCause());
  assert.ok(decision.accepted, JSON.stringify(decision));
};

/** So many milliseconds after an instant, or before it. */
export const near = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();
