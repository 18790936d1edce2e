/** `apply`: the registry is made what a file declares, with only what is needed for it. */
import { readFile } from 'node:fs/promises';
import { declarationBytesMax } from '../../limits/operating.ts';
import type { Registry } from '../client/registry-client.ts';
import { signedIn } from '../client/sign-in.ts';
import { type Call, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { confirmed } from '../terminal/confirm.ts';
import { textOfStdin } from '../terminal/prompt.ts';
import { carryOut } from './carry-out.ts';
import { type Declaration, declarationIn } from './document.ts';
import { type Plan, type PlanOptions, planOf } from './plan.ts';
import { presentIn } from './present.ts';
import { changeLines, outcomeSummary, planSummary, skippedLines } from './words.ts';

async function textIn(file: string): Promise<string> {
  const text = file === '-' ? await textOfStdin() : await readFile(file, 'utf8').catch(fileFault);
  if (Buffer.byteLength(text) > declarationBytesMax)
    throw usageFault(
      `${file} has more than ${declarationBytesMax.toLocaleString('en')} bytes: split it.`,
    );
  return text;
}

/** What has to be done so that it is as declared. */
export async function planFor(
  registry: Registry,
  declaration: Declaration,
  options: PlanOptions,
): Promise<Plan> {
  const { roles, preauthorizations, clients } = declaration;
  const present = await presentIn(registry, {
    clients: Object.keys(clients),
    roles: options.prune || Object.keys(roles).length > 0,
    rules: options.prune || Object.keys(preauthorizations).length > 0,
  });
  return planOf(declaration, present, options);
}

export function sayPlan({ terminal }: Call, plan: Plan): void {
  for (const change of plan.changes) for (const line of changeLines(change)) terminal.line(...line);
  for (const line of skippedLines(plan)) terminal.line({ text: line, style: 'faint' });
}

/** Sends what is needed, after what it takes away was meant. Resolves with the exit code. */
export async function applied(call: Call, registry: Registry, plan: Plan): Promise<number> {
  const changes = plan.changes.filter(({ waits }) => waits === null);
  const removals = changes.filter(({ action }) => action === 'remove');
  if (removals.length > 0) {
    const isMeant = await confirmed(
      call,
      `Remove ${removals.map(({ kind, name }) => `${kind} ${name}`).join(', ')}`,
      'Nothing was sent: what is to be removed needs --yes, or a terminal to ask on.',
      ['See first what it is, with --dry-run.'],
    );
    if (!isMeant) throw new CommandFailed(exitCodes.failed, 'Nothing was sent.');
  }
  const { carriedOut, exitCode, ended } = await carryOut(call, registry, changes);
  if (call.json)
    call.terminal.json(JSON.stringify({ ...shownPlan(plan), dryRun: false, carriedOut }));
  else call.terminal.line(outcomeSummary(carriedOut, changes.length));
  // Also then it is said what was done before.
  if (ended !== null) throw ended.by;
  return exitCode;
}

/** Without the bodies that are sent: the difference says what they come to. */
const shownPlan = ({ changes, skipped, unchangedCount }: Plan) => ({
  changes: changes.map(({ sent: _sent, ...change }) => change),
  ...{ skipped, unchangedCount },
});

export async function runApply(call: Call): Promise<number> {
  const [file = ''] = call.positionals;
  const declaration = declarationIn(file, await textIn(file));
  const registry = await signedIn(call);
  const dryRun = call.has('dry-run');
  const plan = await planFor(registry, declaration, {
    owner: declaration.name,
    prune: call.has('prune'),
    now: call.now().toISOString(),
  });
  const isNothing = plan.changes.every(({ waits }) => waits !== null);
  if (call.json && (dryRun || isNothing)) {
    call.terminal.json(JSON.stringify({ ...shownPlan(plan), dryRun, carriedOut: [] }));
    return exitCodes.done;
  }
  if (!call.json) {
    sayPlan(call, plan);
    const next = isNothing ? ' Nothing to do.' : dryRun ? ' Without --dry-run it is done.' : '';
    call.terminal.line(`${planSummary(plan)}${next}`);
  }
  return dryRun || isNothing ? exitCodes.done : await applied(call, registry, plan);
}
