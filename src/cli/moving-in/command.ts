/** `import`: moves in from another broker or registry. What reads the files is loaded by who needs it. */
import type { Command } from '../command.ts';

export const moveInCommand: Command = {
  name: 'import',
  summary: 'move in: clients and roles from Mosquitto or Connectware, with their passwords',
  positionals: 'FILE…',
  options: {
    'dry-run': { help: 'only show what would be made, and what cannot come along' },
    'service-id': { value: 'ID', help: 'of a Connectware service, which is in front of its names' },
    parameter: { value: 'NAME=VALUE', many: true, help: 'of a Connectware service (repeatable)' },
  },
  notes: [
    'Known files: dynamic-security.json, a password file and an acl file of Mosquitto; a service',
    'commissioning file of Connectware. Several at once: a client may have its rights in one and its password in another.',
    'Names that are here already are left alone; run again, there is nothing to do. HTTP rights never come along.',
    'A hash is checked at the first use and replaced by one of ours. Who has none that can be checked here:',
    'gatebook users rotate NAME, or open the gate: its device asks, and is shown as a replacement.',
  ],
  examples: [
    'gatebook import dynamic-security.json --dry-run',
    'gatebook import /etc/mosquitto/passwd /etc/mosquitto/acl',
    'gatebook import service.yaml --service-id line4 --parameter site=north',
  ],
  run: async (call) => await (await import('./run.ts')).runMoveIn(call),
};
