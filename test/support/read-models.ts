/** Read models in a folder of their own, and logs to fold: for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { client } from '../../domain/client/client.ts';
import type { ClientCommand } from '../../domain/client/commands.ts';
import { allCustomProjections, allProjections } from '../../src/read-models/all.ts';
import { openReadModels, type ReadModels } from '../../src/read-models/read-models.ts';
import { positionOf, type StoredEvent } from '../../src/store/event-store.ts';
import { anyCommand } from './any-client.ts';
import { ada, at, due, firstWindow, id, later, plant, username } from './client.ts';

type Options = Parameters<typeof openReadModels>[0];

/** A file for rows; `open` opens it (again), `remove` closes what is open and removes it. */
export function rowsFile() {
  const folder = mkdtempSync(join(tmpdir(), 'gatebook-rows-'));
  const file = join(folder, 'nested', 'read-models.sqlite');
  let opened: ReadModels | undefined;
  const close = () => {
    opened?.close();
    opened = undefined;
  };
  return {
    file,
    close,
    open(over: Partial<Options> = {}): ReadModels {
      close();
      opened = openReadModels({
        file,
        logId: 'log-1',
        head: positionOf(1_000_000),
        projections: allProjections,
        // What is kept beside all rows is none of a test that looks at some.
        // Other connections look at what was applied.
        commitAfterMs: 0,
        customProjections: over.projections === undefined ? allCustomProjections : [],
        ...over,
      });
      return opened;
    },
    remove() {
      close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Facts as a store would give them back, one after the other from position 1. */
export function logOf(
  facts: readonly { stream: string; type: string; data: Record<string, unknown> }[],
): StoredEvent[] {
  const revisions = new Map<string, number>();
  return facts.map(({ stream, type, data }, index) => {
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    return {
      eventId: id(1_000 + index),
      ...{ stream, type, data, revision },
      position: positionOf(index + 1),
      metadata: { correlationId: id(7), causationId: null },
    };
  });
}

const names = ['press-07', 'oven-01', 'robot-3'];
/** Ids of one name are no other’s. */
const own = (name: string, text: string) =>
  JSON.parse(text.replaceAll(username, name).replaceAll('-8000-', `-800${names.indexOf(name)}-`));

const caused = { at, by: ada };
const others = fc.constantFrom<readonly [stream: string, type: string, data: object]>(
  [
    'registry-main',
    'RegistryUnlocked',
    {
      windowId: firstWindow,
      until: later,
      limits: { maxRequests: 5, usernamePattern: null, sources: [], note: null },
    },
  ],
  ['registry-main', 'RegistryLocked', { windowId: firstWindow }],
  ['role-press', 'RoleDefined', { name: 'press', permissions: [plant], description: null }],
  ['role-press', 'RoleRemoved', { name: 'press' }],
  ['role-oven', 'RoleDefined', { name: 'oven', permissions: [], description: 'Ovens' }],
  [
    'token-1',
    'TokenIssued',
    {
      ...{ tokenId: id(31), username, label: null, kind: 'login', expiresAt: due },
      ...{ generation: 1, loginGeneration: 1 },
    },
  ],
  ['token-1', 'TokenRevoked', { tokenId: id(31), username }],
  ['activation-1', 'CredentialActivated', { username, broker: 'embedded', credentialId: id(21) }],
  [
    'activation-1',
    'CredentialDeactivated',
    { username, broker: 'embedded', credentialId: id(21), sessionsClosed: 1 },
  ],
);
type Step = readonly [string, string, object] | readonly [string, ClientCommand];

function written(steps: readonly Step[]): StoredEvent[] {
  const states = new Map(names.map((name) => [name, client.initial]));
  return logOf(
    steps.flatMap((step) => {
      if (step.length === 3)
        return [{ stream: step[0], type: step[1], data: { ...step[2], ...caused } }];
      const [name, command] = step;
      const state = states.get(name) ?? client.initial;
      const decision = client.decide(own(name, JSON.stringify(command)), state);
      if (!decision.accepted) return [];
      states.set(name, decision.events.reduce(client.evolve, state));
      return decision.events.map(({ type, data }) => ({ stream: `client-${name}`, type, data }));
    }),
  );
}

/** A log as the service could have written it: of three clients by their decisions, and of all else. */
export const anyLog = (lengthMax: number): fc.Arbitrary<StoredEvent[]> =>
  fc
    .array(
      fc.oneof<{ weight: number; arbitrary: fc.Arbitrary<Step> }[]>(
        { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...names), anyCommand) },
        { weight: 1, arbitrary: others },
      ),
      { maxLength: lengthMax },
    )
    .map(written);

/** Splits a log after each of the places. */
export function batches<Item>(log: readonly Item[], places: readonly number[]): Item[][] {
  const ends = [...new Set(places.map((place) => place % (log.length + 1)))].sort((a, b) => a - b);
  return [...ends, log.length]
    .map((end, index) => log.slice(index === 0 ? 0 : ends[index - 1], end))
    .filter((batch) => batch.length > 0);
}
