/** `import`: what files of another broker or registry say, made here with only what is needed for it. */
import { signedIn } from '../client/sign-in.ts';
import { type Call, exitCodes, usageFault } from '../command.ts';
import type { MovingClient } from './found.ts';
import { type MovePlan, movePlan } from './plan.ts';
import { presentThere } from './present.ts';
import { readFiles } from './read.ts';
import { type MoveOutcome, send } from './send.ts';
import { movePlanSummary, planLines, sendingSummary } from './words.ts';

function parametersOf(call: Call): ReadonlyMap<string, string> {
  return new Map(
    call.all('parameter').map((text): [string, string] => {
      const equals = text.indexOf('=');
      if (equals <= 0) throw usageFault(`"${text}" is no NAME=VALUE.`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

/** Of each kind, where it is done at once: a dry run shows all. */
const shownMax = 50;

/** Never a password, nor what checks one. */
const shownClient = ({ password, place: _place, ...client }: MovingClient) => ({
  ...client,
  password: password?.kind ?? 'none',
});

const shownPlan = ({ roles, clients, ...plan }: MovePlan) => ({
  roles: roles.map(({ name, permissions }) => ({ name, permissions })),
  clients: clients.map(shownClient),
  ...plan,
});

const nothingSent: MoveOutcome = { roleCount: 0, clientCount: 0, proposedCount: 0, notMade: [] };

export async function runMoveIn(call: Call): Promise<number> {
  const found = await readFiles(call.positionals, {
    serviceId: call.text('service-id'),
    parameters: parametersOf(call),
  });
  const registry = await signedIn(call);
  const plan = movePlan(found, await presentThere(registry));
  const dryRun = call.has('dry-run');
  const isNothing = plan.roles.length + plan.clients.length === 0;
  if (!call.json) {
    for (const line of planLines(plan, dryRun ? Number.POSITIVE_INFINITY : shownMax))
      call.terminal.line(...line);
    const next = isNothing ? ' Nothing to do.' : dryRun ? ' Without --dry-run it is done.' : '';
    call.terminal.line(`${movePlanSummary(plan)}${next}`);
  }
  const sending = dryRun || isNothing ? nothingSent : await send(call, registry, plan);
  if (call.json) call.terminal.json(JSON.stringify({ ...shownPlan(plan), dryRun, ...sending }));
  else if (sending !== nothingSent) {
    for (const { kind, name, because } of sending.notMade)
      call.terminal.error(`Not made: ${kind} ${name}: ${because}`);
    call.terminal.line(sendingSummary(sending));
  }
  return sending.notMade.length > 0 ? exitCodes.refused : exitCodes.done;
}
