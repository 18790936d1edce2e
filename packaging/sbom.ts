/**
 * `npm run sbom`: what a production install is made of, as CycloneDX, on stdout. From npm's own list, with the licences
 * that packages have and not those that they claim where the two differ.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Component {
  name: string;
  readonly version: string;
  readonly 'bom-ref': string;
  licenses?: { license: { id: string } | { name: string; url?: string } }[];
}

/** Read in the LICENSE file of the package; its package.json says something else. */
const readInTheFile: Readonly<Record<string, string>> = {
  '@kurrent/bridge': 'Kurrent License v1',
};
/** Parts of a package, in packages of their own without a LICENSE file, have its licence. */
const trueNameOf = (name: string): string => name.replace(/^(@kurrent\/bridge)-.*/, '$1');

interface Sbom {
  readonly metadata: { readonly component: Component };
  components: Component[];
  dependencies: { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
interface Locked {
  readonly name: string;
  readonly packages: Readonly<Record<string, { version?: string; dev?: true }>>;
}

const root = join(import.meta.dirname, '..');
const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Locked;
// npm's own `--omit dev` leaves out whatever development needs as well, such as koa and all below it.
const installed = new Set(
  Object.entries(locked.packages)
    .filter(([, { dev }]) => dev !== true)
    .map(
      ([path, { version }]) => `${path.split('node_modules/').at(-1) || locked.name}@${version}`,
    ),
);
const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
const sbom = JSON.parse(text) as Sbom;
// npm takes the folder's name.
sbom.metadata.component.name = locked.name;
sbom.components = sbom.components.filter((component) => installed.has(component['bom-ref']));
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => installed.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((on) => installed.has(on)) }));
for (const component of sbom.components) {
  const name = readInTheFile[trueNameOf(component.name)];
  if (name !== undefined) component.licenses = [{ license: { name } }];
}
process.stdout.write(`${JSON.stringify(sbom, null, 2)}\n`);
