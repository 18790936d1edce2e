#!/usr/bin/env node
/** Starts the command line on a Node that can run it, or says which one is needed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { broughtNode, endWithLauncher, runWith } from './newer-node.js';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  const node = broughtNode();
  if (node === undefined) {
    console.error(
      `Gatebook needs Node 24.7 or later; this is ${process.versions.node}. Install it with "npm ci" or "npm install" ` +
        'and without --omit=optional (that brings Node 24), or install Node 24.',
    );
    process.exit(2);
  }
  runWith(node);
} else await run();

async function run() {
  const { keepTickShape, withMemorySettings, withRebuildSettings } = await import('./memory.js');
  if (process.argv[2] === 'serve') {
    withMemorySettings();
    keepTickShape();
  }
  // Types are stripped and code is compiled once, not at each start. It is kept in our own folder, not in a
  // temporary one that others could write to; where it cannot be written, every start is like the first.
  const compiled = join(import.meta.dirname, '../node_modules/.cache/gatebook');
  if (process.argv[2] === 'rebuild') withRebuildSettings(compiled);
  endWithLauncher();
  const { enableCompileCache } = await import('node:module');
  enableCompileCache(compiled);
  // The repository runs as it stands, the package what was compiled for it.
  const isRepository = existsSync(join(import.meta.dirname, '../src/cli/main.ts'));
  await import(isRepository ? '../src/cli/main.ts' : '../dist/src/cli/main.js');
}
