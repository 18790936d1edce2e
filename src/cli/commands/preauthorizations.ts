/** For administrators: `preauthorizations`, who is let in, kept out or may ask, said beforehand. */
import { preauthorizationEffects } from '../../../domain/preauthorization.ts';
import type { Preauthorization, PreauthorizationWithCode } from '../../api/output.ts';
import type { WhatIf } from '../../api/what-if.ts';
import { everyItem, listOptions, page, sayMore } from '../client/lists.ts';
import { ProblemAnswered } from '../client/problem.ts';
import { unlessWaits } from '../client/proposed.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import {
  type Call,
  type Command,
  CommandFailed,
  type CommandOptions,
  exitCodes,
  retyped,
  usageFault,
} from '../command.ts';
import { confirmed } from '../terminal/confirm.ts';
import type { Piece } from '../terminal/terminal.ts';
import { countText, dateTimeText, pairingText } from '../text/format.ts';
import { instantOf } from '../text/instants.ts';
import { MistypedError } from '../text/mistyped.ts';
import { cidrOf, countOf, permissionOf } from '../text/parse.ts';
import { rightsText } from '../text/rights.ts';
import { permissionOption } from '../text/rights-options.ts';
import { sayWhatIf } from './what-if.ts';

export const preauthorizationsPath = '/client-registry/preauthorizations';
const pathOf = (id: string): string => `${preauthorizationsPath}/${encodeURIComponent(id)}`;
const statuses = ['active', 'used', 'ended', 'withdrawn'] as const;
/** Digits of a fingerprint in a line; the whole one stands in `show`. */
const digitsShown = 12;

type Rule = Omit<Preauthorization, 'preauthorizationId' | 'createdBy' | 'createdAt' | 'useCount'>;

const oneOf =
  <Word extends string>(words: readonly Word[], what: string) =>
  (text: string): Word => {
    const word = words.find((one) => one === text);
    if (word === undefined)
      throw new MistypedError(`"${text}" is no ${what}. Give one of ${words.join(', ')}.`);
    return word;
  };

/** Whom a rule is about: `press-* from 10.4.0.0/16, by enrolment code`. */
function whomText(rule: Pick<Rule, 'usernamePattern' | 'sources' | 'pairingId'>): string {
  const { usernamePattern, sources, pairingId } = rule;
  return [
    usernamePattern ?? 'any name',
    ...(sources.length > 0 ? [`from ${sources.join(' ')}`] : []),
    ...(pairingId === null ? [] : [`with pairing ID ${pairingText(pairingId)}`]),
  ].join(' ');
}

const proofText = ({
  hasEnrolmentCode,
  csrFingerprint,
}: Pick<Rule, 'hasEnrolmentCode' | 'csrFingerprint'>): string =>
  [
    ...(hasEnrolmentCode ? ['code'] : []),
    ...(csrFingerprint === null ? [] : [`key ${csrFingerprint.slice(0, digitsShown)}…`]),
  ].join(', ') || 'none';

const usesText = ({ effect, useCount, maxUses }: Preauthorization): string =>
  effect === 'deny' ? '–' : `${useCount.toLocaleString('en')}/${maxUses.toLocaleString('en')}`;

const statusPiece = (status: Preauthorization['status']): Piece => ({
  text: status,
  style: status === 'active' ? 'good' : status === 'withdrawn' ? 'bad' : 'faint',
});

async function runList(call: Call): Promise<number> {
  const status = call.read('status', oneOf(statuses, 'status'));
  const { body, text } = await page<Preauthorization>(
    ...([call, await signedIn(call), preauthorizationsPath] as const),
    { status, createdBy: call.text('made-by') },
  );
  if (call.json) call.terminal.json(text);
  else if (body.items.length === 0) call.terminal.line('No preauthorizations.');
  else {
    call.terminal.table(
      ['ID', 'STATUS', 'EFFECT', 'WHOM', 'PROOF', 'USES', 'UNTIL', 'BY'],
      body.items.map((rule) => [
        ...[rule.preauthorizationId, statusPiece(rule.status), rule.effect],
        ...[whomText(rule), proofText(rule), usesText(rule)],
        ...[dateTimeText(rule.until), rule.createdBy],
      ]),
    );
    sayMore(call, body);
  }
  return exitCodes.done;
}

async function runShow(call: Call): Promise<number> {
  const [id = ''] = call.positionals;
  const { body, text } = await (await signedIn(call)).get<Preauthorization>(pathOf(id));
  if (call.json) {
    call.terminal.json(text);
    return exitCodes.done;
  }
  const facts: [string, Piece][] = [
    ['status', statusPiece(body.status)],
    ['effect', body.effect],
    ['whom', whomText(body)],
    ['code', body.hasEnrolmentCode ? 'yes (it was shown once, when the rule was made)' : ''],
    ['key', body.csrFingerprint === null ? '' : `SHA-256 ${body.csrFingerprint}`],
    ['gives', rightsText(body)],
    ['uses', usesText(body)],
    ['until', dateTimeText(body.until)],
    ['note', body.note ?? ''],
    ['made', `by ${body.createdBy} ${dateTimeText(body.createdAt)}`],
  ];
  for (const [name, value] of facts)
    if (value !== '') call.terminal.line({ text: name.padEnd(8), style: 'faint' }, value);
  call.terminal.line({
    text: `Whom it let in: gatebook users revoke --rule ${body.preauthorizationId} --dry-run`,
    style: 'faint',
  });
  return exitCodes.done;
}

/** What was typed of a rule. @throws CommandFailed, MistypedError */
function typedRule(call: Call) {
  const until = call.read('until', (text) => instantOf(text, call.now()));
  if (until === null)
    throw usageFault('--until T is missing: when the rule ends.', [
      `Such as: gatebook preauthorizations create ${retyped(call)} --until 30d`,
    ]);
  const text = (option: string, field: string) => {
    const value = call.text(option);
    return value === null ? {} : { [field]: value };
  };
  const effect = call.read('effect', oneOf(preauthorizationEffects, 'effect'));
  const expiresAt = call.read('access-until', (typed) => instantOf(typed, call.now()));
  const maxUses = call.read('uses', (typed) => countOf(typed, 1, 1_000_000));
  return {
    ...(effect !== null && { effect }),
    ...text('pattern', 'usernamePattern'),
    ...(call.has('source') && { sources: call.all('source').map(cidrOf) }),
    ...text('pairing-id', 'pairingId'),
    ...text('key-fingerprint', 'csrFingerprint'),
    ...(call.has('code') && { enrolmentCode: true }),
    ...(call.has('role') && { roles: call.all('role') }),
    ...(call.has('permission') && { permissions: call.all('permission').map(permissionOf) }),
    ...text('prefix', 'mqttPublishPrefix'),
    ...text('client-id', 'mqttClientId'),
    ...(expiresAt !== null && { expiresAt }),
    ...(maxUses !== null && { maxUses }),
    ...text('note', 'note'),
    until,
  };
}

/** Whom the rule would have let in or kept out; a person may make rules who may not look back. */
async function sayPast(call: Call, registry: Registry): Promise<void> {
  const deny = call.text('effect') === 'deny';
  const sources = call.all('source').join(',');
  try {
    const { body, text } = await registry.get<WhatIf>('/audit/what-if', {
      rule: 'preauthorization',
      usernamePattern: call.text('pattern'),
      sources: sources === '' ? null : sources,
      pairingId: call.text('pairing-id'),
      csrFingerprint: call.text('key-fingerprint'),
      effect: deny ? 'deny' : 'allow',
      maxUses: deny ? null : (call.text('uses') ?? '1'),
      differs: 'true',
    });
    if (call.json) call.terminal.json(text);
    else sayWhatIf(call, deny ? 'deny' : 'allow', body, '');
  } catch (error) {
    if (!(error instanceof ProblemAnswered) || error.problem.status !== 403) throw error;
    call.terminal.error('What it would have done in the past is not yours to see.');
  }
}

async function runCreate(call: Call): Promise<number> {
  const sent = typedRule(call);
  const registry = await signedIn(call);
  if (call.has('dry-run')) {
    await sayPast(call, registry);
    if (!call.json) call.terminal.line('Nothing was made. Without --dry-run it is.');
    return exitCodes.done;
  }
  const { body, text } = await registry.send<PreauthorizationWithCode>(
    'POST',
    preauthorizationsPath,
    sent,
  );
  if (call.json) {
    call.terminal.json(text);
    return exitCodes.done;
  }
  const done = { allow: 'is let in', deny: 'is kept out', ask: 'may ask' }[body.effect];
  const gives = rightsText(body);
  call.terminal.line(
    { text: 'Made', style: 'good' },
    ` rule ${body.preauthorizationId}: ${whomText(body)} ${done} until ${dateTimeText(body.until)}${gives === '' ? '' : `, with ${gives}`}.`,
  );
  if (body.enrolmentCode !== null)
    call.terminal.line(`Enrolment code (shown this once): ${body.enrolmentCode}`);
  else if (body.effect !== 'deny' && body.csrFingerprint === null)
    call.terminal.line('Without a code or a key it works only while the registry is unlocked.');
  return exitCodes.done;
}

/** @throws CommandFailed where it is not said which */
async function meantRules(call: Call, registry: Registry): Promise<Preauthorization[]> {
  const madeBy = call.text('made-by');
  if ((madeBy !== null) === call.positionals.length > 0)
    throw usageFault('Give the IDs of rules, or --made-by ADMIN.', [
      'See them with: gatebook preauthorizations',
    ]);
  const found: Preauthorization[] = [];
  if (madeBy !== null)
    for await (const rule of everyItem<Preauthorization>(registry, preauthorizationsPath, {
      ...{ createdBy: madeBy, status: 'active' },
    }))
      found.push(rule);
  else
    for (const id of call.positionals)
      found.push((await registry.get<Preauthorization>(pathOf(id))).body);
  return found;
}

async function runWithdraw(call: Call): Promise<number> {
  const registry = await signedIn(call);
  const found = await meantRules(call, registry);
  const dryRun = call.has('dry-run');
  if (!call.json && (dryRun || call.has('made-by')))
    for (const rule of found)
      call.terminal.line(`${rule.preauthorizationId}  ${rule.effect}  ${whomText(rule)}`);
  if (call.has('made-by') && !dryRun && found.length > 0) {
    const isMeant = await confirmed(
      call,
      `Withdraw ${countText(found.length, 'rule')}`,
      'Nothing was withdrawn: this needs --yes, or a terminal to ask on.',
      [`See first which: gatebook preauthorizations withdraw ${retyped(call)} --dry-run`],
    );
    if (!isMeant) throw new CommandFailed(exitCodes.failed, 'Nothing was withdrawn.');
  }
  const withdrawn: Preauthorization[] = [];
  if (!dryRun)
    for (const rule of found)
      if (await unlessWaits(call, () => registry.send('DELETE', pathOf(idOf(rule)))))
        withdrawn.push(rule);
  if (!dryRun && withdrawn.length === 0 && found.length > 0) return exitCodes.done;
  if (call.json)
    call.terminal.json(
      JSON.stringify(dryRun ? { found: found.map(idOf) } : { withdrawn: withdrawn.map(idOf) }),
    );
  else
    call.terminal.line(
      dryRun
        ? `${countText(found.length, 'rule')} would be withdrawn. Without --dry-run they are.`
        : `Withdrew ${countText(withdrawn.length, 'rule')}. Whom they let in stays: gatebook users revoke --rule ID`,
    );
  return exitCodes.done;
}

const idOf = ({ preauthorizationId }: Preauthorization): string => preauthorizationId;

const ruleOptions: CommandOptions = {
  effect: {
    value: 'E',
    help: `${preauthorizationEffects.join(', ')} (default allow; ask: a person decides, also while locked)`,
  },
  pattern: { value: 'GLOB', help: "which names: 'press-*'" },
  source: { value: 'CIDR', many: true, help: 'only from there (repeatable)' },
  'pairing-id': { value: 'H', help: 'only with this pairing ID' },
  code: { help: 'make an enrolment code, shown this once: with it the rule works while locked' },
  'key-fingerprint': {
    value: 'HEX',
    help: 'only the key with this SHA-256, and no password: it works while locked too',
  },
  uses: { value: 'N', help: 'how many it lets in (default 1)' },
  until: { value: 'T', help: 'when the rule ends: 30d, tomorrow 18:00, 2026-12-31 or an instant' },
  role: { value: 'ROLE', many: true, help: 'a role that it gives (repeatable)' },
  ...permissionOption,
  prefix: { value: 'P', help: 'put in front of every topic that they publish' },
  'client-id': { value: 'ID', help: 'the only MQTT client id they may use' },
  'access-until': { value: 'T', help: 'when the access that it gives ends' },
  note: { value: 'T', help: 'what it is for' },
};

export const preauthorizationCommands: readonly Command[] = [
  {
    name: 'preauthorizations list',
    summary: 'see the rules, the newest first',
    positionals: '',
    options: {
      status: { value: 'S', help: `only those that are ${statuses.join(', ')}` },
      'made-by': { value: 'ADMIN', help: 'only those that this person made' },
      ...listOptions,
    },
    examples: ['gatebook preauthorizations', 'gatebook preauthorizations list --status active'],
    run: runList,
  },
  {
    name: 'preauthorizations show',
    summary: 'see one rule',
    positionals: 'ID',
    options: {},
    examples: ['gatebook preauthorizations show 3f0c8a52-5a5f-4c55-9b3f-6f3f2b1a7c11'],
    run: runShow,
  },
  {
    name: 'preauthorizations create',
    summary: 'let in, keep out or let ask, beforehand',
    positionals: '',
    options: {
      ...ruleOptions,
      'dry-run': { help: 'make nothing; see whom it would have let in or kept out so far' },
    },
    notes: [
      'All conditions must hold. Without a code or a key it works only while the registry is unlocked.',
      'It reaches names alone that nobody holds, and never gives HTTP rights.',
    ],
    examples: [
      "gatebook preauthorizations create --pattern 'press-*' --code --role press --until 30d",
      'gatebook preauthorizations create --pattern press-17 --key-fingerprint HEX --role press --until 2026-12-31',
      "gatebook preauthorizations create --effect deny --pattern 'test-*' --until 365d",
    ],
    run: runCreate,
  },
  {
    name: 'preauthorizations withdraw',
    summary: 'withdraw rules: they open nothing any more',
    positionals: '[ID…]',
    options: {
      'made-by': { value: 'ADMIN', help: 'all live ones that this person made' },
      'dry-run': { help: 'only show which it would be' },
      yes: { help: 'do not ask' },
    },
    notes: ['Whom they let in stays: gatebook users revoke --rule ID'],
    examples: [
      'gatebook preauthorizations withdraw 3f0c8a52-5a5f-4c55-9b3f-6f3f2b1a7c11',
      'gatebook preauthorizations withdraw --made-by mallory --dry-run',
    ],
    run: runWithdraw,
  },
];
