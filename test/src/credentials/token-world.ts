/** Tokens of one key folder, by a clock that stands where a test puts it. */
import { openKeys } from '../../../src/credentials/keys/folder.ts';
import { createTokens, type TokenOptions } from '../../../src/credentials/tokens.ts';

export const start = '2026-11-23T10:00:00.000Z';
export const afterMs = (ms: number) => new Date(Date.parse(start) + ms).toISOString();
export const hourMs = 3_600_000;

export type World = { dir: string; at: string };
export async function node(world: World, options: Partial<TokenOptions> = {}) {
  const keys = await openKeys(world.dir, () => world.at);
  return createTokens({ keys, now: () => world.at, ...options });
}

export const claims = {
  subject: 'ada',
  id: 'b1946ac9-2f8a-4a7e-9d3f-0c5d5b6f7a10',
  audience: 'gatebook',
  issuedAt: new Date(start),
  expiresAt: new Date(afterMs(hourMs)),
} as const;
