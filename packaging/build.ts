/**
 * Makes `dist`, which the package runs from: Node strips no types below node_modules. `npm pack` does it by itself
 * (`prepack`). The repository runs from `src`, and needs none of it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { clientTypes } from './client-types.ts';

const root = join(import.meta.dirname, '..');
const types = join(import.meta.dirname, 'paths.ts');

rmSync(join(root, 'dist'), { recursive: true, force: true });
writeFileSync(types, clientTypes());
const { resolve } = createRequire(import.meta.url);
const tsc = join(dirname(resolve('typescript/package.json')), 'bin/tsc');
const compile = (project: string): number | null =>
  spawnSync(process.execPath, [tsc, '-p', join(import.meta.dirname, project)], { stdio: 'inherit' })
    .status;
// Types are for those who import: of the entry points alone.
const status = compile('tsconfig.json') || compile('tsconfig.entries.json');
rmSync(types);
if (status !== 0) process.exit(status ?? 1);

// What is no code goes along as it is.
for (const name of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
  if (['', '.ts'].includes(extname(name))) continue;
  cpSync(join(root, 'src', name), join(root, 'dist/src', name));
}
