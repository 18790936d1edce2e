/**
 * Every pattern that an administrator or an operator may give, and every regular expression of the code, with texts that are
 * made to be slow: the work grows no faster than the text.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  compiled,
  covers,
  effectivePermissions,
  levelsOf,
  mayMeet,
  mayPublish,
  mayRead,
} from '../../../domain/matching.ts';
import { couldFitName, fitsPattern } from '../../../domain/pattern.ts';
import type { Permission } from '../../../domain/permission.ts';
import { withoutShareName } from '../../../src/broker/hooks/hooks.ts';
import { topicOf } from '../../../src/broker/hooks/rabbitmq.ts';
import { PasswordPolicy, passwordFaults } from '../../../src/config/password-policy.ts';
import { variables } from '../../../src/config/variables.ts';
import { matchesNetworks } from '../../../src/platform/networks.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { growthFault } from '../growth.ts';
import { expressionsIn, repetitionsFor } from '../regular-expressions.ts';

const root = join(import.meta.dirname, '../../..');
/** Of all pairs of characters, in a whole run. */
const pairsWhole = 0.5;
const shortShare = 0.3;

/**
 * Grow faster than their text, as each character of a run looks to its end; none reads what others send: a file, and why.
 */
const ofOwn: Readonly<Record<string, string>> = {
  'src/config/brokers.ts \\/+$': 'an address that the operator set',
  'src/config/config.ts \\/+$': 'an address that the operator set',
  'src/config/sso.ts \\/+$': 'an address that the operator set',
  'src/device/register.ts \\/+$': 'the address that a device was given',
  'src/device/request-link.ts \\/+$': 'the address that a device was given',
  'src/device/browser/register.ts \\/+$': 'the address that a device was given',
  'src/cli/client/registry-client.ts \\/+$': 'the address that somebody typed',
  'src/cli/moving-in/mosquitto-hash.ts =+$':
    'base64 that was made here, or stands in a file of at most 16 MiB',
  'src/cli/moving-in/read.ts ^\\s*type:\\s*[\'"]?Cybus::': 'a file that somebody imports',
  'src/credentials/passwords/passwords.ts =+$': 'base64 that was made here',
  'src/http/pages/web-files.ts [ \\t]+$': 'the files of the page',
};

const mqtt = (resource: string): Permission => ({
  ...{ context: 'mqtt', operation: 'readWrite' },
  resource,
});
const rights = (...resources: string[]) => compiled(resources.map(mqtt));
const policy = PasswordPolicy.parse(
  '{"min":900,"lower":900,"upper":900,"numeric":900,"symbol":900}',
);

/** As a name pattern may be at most: 128 characters that stand for one each, and stars. */
const namePatterns = [
  `${'a*'.repeat(64)}b`,
  `*${'a'.repeat(127)}b`,
  `${'*a?'.repeat(42)}*b`,
  `${'*'.repeat(128)}b`,
  `*${'?'.repeat(127)}b`,
];
const filters = ['+/'.repeat(200), `${'a/'.repeat(200)}#`, `${'+/a/'.repeat(100)}b`, '#', '+/+/#'];

/** What is asked with a pattern, by the pattern. */
const asked: Readonly<Record<string, (text: string) => unknown>> = {
  ...Object.fromEntries(
    namePatterns.map((pattern) => [
      `the name pattern ${pattern.slice(0, 12)}…`,
      (text: string) => fitsPattern(pattern, text),
    ]),
  ),
  ...Object.fromEntries(
    filters.flatMap((filter) => [
      [
        `the filter ${filter.slice(0, 12)}`,
        (text: string) => covers(levelsOf(filter), levelsOf(text)),
      ],
      [
        `meeting ${filter.slice(0, 12)}`,
        (text: string) => mayMeet(levelsOf(filter), levelsOf(text)),
      ],
      [
        `rights to ${filter.slice(0, 12)}`,
        (text: string) => [mayRead(rights(filter), text), mayPublish(rights(filter), text)],
      ],
    ]),
  ),
  'a text as a name pattern': (text) => [couldFitName(text), fitsPattern(text, 'a'.repeat(128))],
  'a text as a filter': (text) => mayMeet(levelsOf(text), levelsOf('a/'.repeat(250))),
  'a template': (text) =>
    effectivePermissions(
      {
        ...{ username: 'a'.repeat(128), mqttClientId: 'a'.repeat(128), roles: [] },
        permissions: [mqtt(text), mqtt(`\${username}/${text}/\${clientId}`)],
      },
      () => [],
    ),
  'a shared subscription': (text) => [withoutShareName(text), withoutShareName(`$share/${text}`)],
  'a routing key': topicOf,
  'a password under a policy': (text) => passwordFaults(text.slice(0, 1_000), policy),
  'a network': (text) => {
    try {
      return matchesNetworks([text, `${text}/8`], text);
    } catch {
      return false;
    }
  },
  ...Object.fromEntries(
    Object.entries(variables).map(([name, { schema }]) => [
      `the setting ${name}`,
      (text: string) => schema.safeParse(text),
    ]),
  ),
};

/** What patterns, filters, addresses and settings are made of. */
const spoken = /a*?\/+#${}:@.,-=[" ]\n0A%~!/;

const files = ['domain', 'projections', 'src'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
    .sort(),
);

function faultOf(read: (text: string) => unknown, pattern: RegExp, pairs: () => boolean) {
  for (const repetition of repetitionsFor(pattern, pairs)) {
    const fault = growthFault(read, repetition);
    if (fault !== null) return `${JSON.stringify(repetition)}: ${fault}`;
  }
  return null;
}

async function run({ chance, share }: Given): Promise<Told> {
  const violations: string[] = [];
  const pairs = (chance: Chance) => () => chance.is(Math.min(1, share) * pairsWhole);
  for (const [what, read] of Object.entries(asked)) {
    const fault = faultOf(read, spoken, pairs(chance));
    if (fault !== null) violations.push(`${what}, ${fault}`);
  }
  let count = 0;
  for (const file of files)
    for (const expression of expressionsIn(file, readFileSync(join(root, file), 'utf8'))) {
      // A short run takes some of them.
      if (share < 1 && !chance.is(shortShare)) continue;
      count++;
      if (Object.hasOwn(ofOwn, `${file} ${expression.source}`)) continue;
      const fault = faultOf((text) => expression.test(text), expression, pairs(chance));
      if (fault !== null) violations.push(`${file} ${expression.source}, ${fault}`);
    }
  const settings = Object.keys(variables).length;
  const figures = `${count} expressions of the code, ${settings} settings, ${Object.keys(asked).length - settings} kinds of patterns: no faster than the text`;
  return { rounds: count + Object.keys(asked).length, figures, violations };
}

export const patterns: Trial = {
  name: 'patterns',
  title: 'patterns made to be slow',
  inTurn: true,
  run,
};
