/** Sends what a plan says, one change after the other; what is refused does not stop the others. */
import type { PreauthorizationWithCode } from '../../api/output.ts';
import { ProblemAnswered } from '../client/problem.ts';
import { unlessWaits } from '../client/proposed.ts';
import type { Registry } from '../client/registry-client.ts';
import { type Call, exitCodes } from '../command.ts';
import { reportFault } from '../fault.ts';
import type { DeclaredChange } from './plan.ts';
import { doneText } from './words.ts';

/** What became of one change; the code of a rule is shown this once. */
interface ChangeOutcome {
  readonly kind: DeclaredChange['kind'];
  readonly name: string;
  readonly outcome: 'done' | 'proposed' | 'refused';
  readonly enrolmentCode: string | null;
}

/** It is about one thing alone: the others go on. */
const isOfOne = (error: unknown): error is ProblemAnswered =>
  error instanceof ProblemAnswered && [400, 403, 404, 409].includes(error.problem.status);

async function carryOutOne(
  call: Call,
  registry: Registry,
  change: DeclaredChange,
): Promise<ChangeOutcome> {
  const { kind, name } = change;
  let enrolmentCode: string | null = null;
  for (const { method, path, body } of change.sent) {
    const answer = await unlessWaits({ ...call, json: false }, () =>
      registry.send<Partial<PreauthorizationWithCode> | undefined>(method, path, body),
    );
    if (answer === undefined) return { kind, name, outcome: 'proposed', enrolmentCode };
    enrolmentCode = answer.body?.enrolmentCode ?? null;
  }
  if (!call.json) {
    call.terminal.line(doneText(change));
    if (enrolmentCode !== null)
      call.terminal.line(`  Enrolment code (shown this once): ${enrolmentCode}`);
  }
  return { kind, name, outcome: 'done', enrolmentCode };
}

/** @returns what became of each, and the exit code */
export async function carryOut(
  call: Call,
  registry: Registry,
  changes: readonly DeclaredChange[],
): Promise<{ readonly carriedOut: ChangeOutcome[]; readonly exitCode: number }> {
  const carriedOut: ChangeOutcome[] = [];
  let exitCode: number = exitCodes.done;
  for (const [done, change] of changes.entries()) {
    call.terminal.progress(`Applying  ${done} of ${changes.length}`);
    const { kind, name } = change;
    try {
      carriedOut.push(await carryOutOne(call, registry, change));
    } catch (error) {
      if (!isOfOne(error)) throw error;
      call.terminal.progress('');
      if (!call.json) call.terminal.error(`Not done: ${kind} ${name}.`);
      exitCode = Math.max(exitCode, reportFault(call.terminal, call.json, error));
      carriedOut.push({ kind, name, outcome: 'refused', enrolmentCode: null });
    }
  }
  call.terminal.progress('');
  return { carriedOut, exitCode };
}
