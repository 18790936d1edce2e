/** Which version speaks: this command line, and a registry by its API description. */
import manifest from '../../../package.json' with { type: 'json' };
import type { Registry } from './registry-client.ts';

export const ownVersion = (): string => manifest.version;

/** It stands at the beginning of a description that is long. */
const headCharactersMax = 4_096;

/** Null: what answers there describes itself in another way. */
export async function registryVersion(registry: Pick<Registry, 'stream'>): Promise<string | null> {
  let head = '';
  for await (const chunk of registry.stream('/openapi.json')) {
    head += Buffer.from(chunk).toString();
    if (head.length >= headCharactersMax) break;
  }
  return /"title":"Gatebook","version":"([^"]+)"/.exec(head)?.[1] ?? null;
}
