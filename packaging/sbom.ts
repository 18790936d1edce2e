/**
 * `npm run sbom`: what a production install is made of, as CycloneDX, on stdout. From npm's own list, with the licences
 * that packages have and not those that they claim where the two differ.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

interface Component {
  readonly name: string;
  readonly version: string;
  licenses?: { license: { id: string } | { name: string; url?: string } }[];
}

/** Read in the LICENSE file of the package; its package.json says something else. */
const readInTheFile: Readonly<Record<string, string>> = {
  '@kurrent/bridge': 'Kurrent License v1',
};
/** Parts of a package, in packages of their own without a LICENSE file, have its licence. */
const trueNameOf = (name: string): string => name.replace(/^(@kurrent\/bridge)-.*/, '$1');

const text = execFileSync(
  'npm',
  ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--omit', 'dev'],
  { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
);
const sbom = JSON.parse(text) as { components: Component[] };
for (const component of sbom.components) {
  const name = readInTheFile[trueNameOf(component.name)];
  if (name !== undefined) component.licenses = [{ license: { name } }];
}
process.stdout.write(`${JSON.stringify(sbom, null, 2)}\n`);
