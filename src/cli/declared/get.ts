/** `get`: what there is in the registry, as the file that `apply` takes; and `edit`, one thing of it in an editor. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Preauthorization, Role, User } from '../../api/output.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { runEditor } from '../terminal/shell-command.ts';
import { MistypedError } from '../text/mistyped.ts';
import { applied, planFor, sayPlan } from './apply.ts';
import { type Declaration, declarationIn } from './document.ts';
import { formats, unnamed } from './formats.ts';
import {
  clientsIn,
  type PresentRule,
  presentClient,
  presentRole,
  presentRule,
  rolesIn,
  rulesIn,
} from './present.ts';
import { planSummary } from './words.ts';
import { ruleName, writtenOf, yamlText } from './yaml-text.ts';

const kinds = ['roles', 'preauthorizations', 'clients'] as const;
type DeclaredKind = (typeof kinds)[number];

/** `role`, `roles`, as kubectl takes them. @throws MistypedError */
function kindOf(text: string): DeclaredKind {
  const kind = kinds.find((one) => one === text || one === `${text}s`);
  if (kind === undefined)
    throw new MistypedError(`"${text}" is nothing to get. Give one of ${kinds.join(', ')}.`);
  return kind;
}

/** A rule by its id, or by what a file calls it. */
async function ruleCalled(registry: Registry, name: string): Promise<PresentRule> {
  const named = (await rulesIn(registry)).find((rule) => ruleName(rule) === name);
  if (named !== undefined) return named;
  const path = `/client-registry/preauthorizations/${encodeURIComponent(name)}`;
  return presentRule((await registry.get<Preauthorization>(path)).body);
}

/** One thing, or all of a kind, or everything. */
async function foundOf(registry: Registry, kind: DeclaredKind | null, name: string | null) {
  const nothing = { roles: null, rules: null, clients: null };
  if (name !== null && kind !== null) {
    const path = encodeURIComponent(name);
    if (kind === 'roles') {
      const role = presentRole((await registry.get<Role>(`/roles/${path}`)).body);
      return { ...nothing, roles: new Map([[name, role]]) };
    }
    if (kind === 'preauthorizations')
      return { ...nothing, rules: [await ruleCalled(registry, name)] };
    const client = presentClient((await registry.get<User>(`/users/${path}`)).body);
    return { ...nothing, clients: new Map([[name, client]]) };
  }
  const wants = (one: DeclaredKind) => kind === null || kind === one;
  return {
    roles: wants('roles') ? await rolesIn(registry) : null,
    rules: wants('preauthorizations') ? await rulesIn(registry) : null,
    clients: wants('clients') ? await clientsIn(registry, null) : null,
  };
}

export async function runGet(call: Call): Promise<number> {
  const [typedKind, name = null] = call.positionals;
  const kind = typedKind === undefined || typedKind === 'all' ? null : kindOf(typedKind);
  const format = call.json ? 'json' : (call.text('output') ?? 'yaml');
  if (!formats.includes(format))
    throw new MistypedError(`"${format}" is no format. Give one of ${formats.join(', ')}.`);
  const found = await foundOf(await signedIn(call), kind, name);
  const written = writtenOf(call.text('name') ?? unnamed, found);
  if (format === 'json') call.terminal.json(JSON.stringify(written));
  else for (const line of yamlText(written).trimEnd().split('\n')) call.terminal.line(line);
  return exitCodes.done;
}

/** What somebody made of the text, null where nothing; a file with a fault stays, so that nothing written is lost. */
async function edited(call: Call, text: string): Promise<Declaration | null> {
  const editor = call.environment.VISUAL || call.environment.EDITOR;
  if (!editor)
    throw usageFault('Which editor? Neither VISUAL nor EDITOR is set.', [
      'Such as: EDITOR=nano gatebook edit role press',
    ]);
  const folder = await mkdtemp(join(tmpdir(), 'gatebook-edit-'));
  const file = join(folder, 'edit.yaml');
  await writeFile(file, text, { mode: 0o600 });
  const code = await runEditor(editor, file);
  const after = await readFile(file, 'utf8');
  const declaration = code === 0 && after !== text ? declarationIn(file, after) : null;
  await rm(folder, { recursive: true, force: true });
  if (code !== 0)
    throw new CommandFailed(exitCodes.failed, `The editor ended with ${code}. Nothing was sent.`);
  return declaration;
}

export async function runEdit(call: Call): Promise<number> {
  const [typedKind = '', name = ''] = call.positionals;
  const kind = kindOf(typedKind);
  const registry = await signedIn(call);
  const found = await foundOf(registry, kind, name);
  const before = yamlText(writtenOf(unnamed, found));
  const head = '# What is left out is none. Nothing is sent where nothing changed.\n';
  const declaration = await edited(call, head + before);
  if (declaration === null) {
    call.terminal.line('Nothing changed.');
    return exitCodes.done;
  }
  const plan = await planFor(registry, declaration, {
    ...{ owner: null, prune: false, now: call.now().toISOString() },
    ruleIds: new Map((found.rules ?? []).map((rule) => [ruleName(rule), rule.id])),
  });
  if (!call.json) {
    sayPlan(call, plan);
    call.terminal.line(planSummary(plan));
  }
  return await applied(call, registry, plan);
}
