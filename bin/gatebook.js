#!/usr/bin/env node
/** Starts the command line on a Node that can run it, or says which one is needed. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  console.error(
    `Gatebook needs Node 24.7 or later; this is ${process.versions.node}. Start it with "npm start" or "npx gatebook" ` +
      'in its folder after "npm ci" (which brings Node 24), or install Node 24.',
  );
  process.exit(2);
}
await import('../src/cli/main.ts');
