/** What runs: versions, and the list of what it is made of. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import manifest from '../../../package.json' with { type: 'json' };
import type { EvidenceItem } from '../../api/evidence.ts';
import { goodIf, item } from './item.ts';

export const ownVersion = manifest.version;

/** Of the repository and the image; a package that was installed with npm has its own list there. */
const lockFile = new URL('../../../package-lock.json', import.meta.url);

async function lockFacts() {
  const bytes = await readFile(lockFile).catch(() => null);
  if (bytes === null) return { 'package-lock.json': 'not here: npm sbom lists what npm installed' };
  const { packages } = JSON.parse(bytes.toString()) as { packages: Record<string, object> };
  return {
    'SHA-256 of package-lock.json': createHash('sha256').update(bytes).digest('hex'),
    packages: Object.keys(packages).length - 1,
  };
}

export async function installedEvidence(): Promise<EvidenceItem[]> {
  const isRoot = process.getuid?.() === 0;
  return [
    item('versions', 'What runs', ['3.4', '7.8'], 'told', {
      ...{ gatebook: ownVersion, Node: process.versions.node, OpenSSL: process.versions.openssl },
      ...(await lockFacts()),
    }),
    item('process', 'What the process may', ['7.7'], goodIf(!isRoot), {
      'runs as root': isRoot,
      "Node's permission model": process.permission !== undefined,
    }),
  ];
}
