/** Sends what a plan says, one change after the other; what is refused does not stop the others. */
import type { PreauthorizationWithCode } from '../../api/output.ts';
import { ProblemAnswered } from '../client/problem.ts';
import { unlessWaits } from '../client/proposed.ts';
import type { Registry } from '../client/registry-client.ts';
import { type Call, exitCodes } from '../command.ts';
import { reportFault } from '../fault.ts';
import type { DeclaredChange } from './plan.ts';
import { anewText, besideText, doneText } from './words.ts';

/** What became of one change; the code of a rule is shown this once. */
interface ChangeOutcome {
  readonly kind: DeclaredChange['kind'];
  readonly name: string;
  /** Begun: the new rule stands, and what it was before does, too. */
  readonly outcome: 'done' | 'begun' | 'proposed' | 'refused';
  readonly enrolmentCode: string | null;
}

/** It is about one thing alone: the others go on. */
const isOfOne = (error: unknown): error is ProblemAnswered =>
  error instanceof ProblemAnswered && [400, 403, 404, 409].includes(error.problem.status);

/** A change on its way: what it came to so far stays true when it ends by an error. */
class Carrying {
  isMade = false;
  isProposed = false;
  enrolmentCode: string | null = null;
  readonly #call: Call;
  readonly #registry: Registry;
  readonly #change: DeclaredChange;

  constructor(call: Call, registry: Registry, change: DeclaredChange) {
    this.#call = call;
    this.#registry = registry;
    this.#change = change;
  }

  outcome(ended: 'done' | 'refused'): ChangeOutcome {
    const { kind, name } = this.#change;
    const { enrolmentCode } = this;
    const isWhole = ended === 'done' && !this.isProposed;
    const outcome = isWhole
      ? 'done'
      : this.isMade
        ? 'begun'
        : ended === 'done'
          ? 'proposed'
          : ended;
    return { kind, name, outcome, enrolmentCode };
  }

  async run(): Promise<void> {
    const { sent } = this.#change;
    for (const [at, { method, path, body }] of sent.entries()) {
      const isLast = at === sent.length - 1;
      const answer = await unlessWaits({ ...this.#call, json: false }, () =>
        this.#registry.send<Partial<PreauthorizationWithCode> | undefined>(method, path, body),
      );
      if (answer === undefined) {
        this.isProposed = true;
        if (body === undefined) continue;
        if (!isLast)
          this.#say('  What it was before stays until then: apply it again once this is approved.');
        return;
      }
      if (body === undefined) continue;
      this.isMade = true;
      this.enrolmentCode = answer.body?.enrolmentCode ?? null;
      this.#sayMade(isLast);
    }
    if (this.isProposed && this.isMade) this.#say(besideText(this.#change));
    else if (!this.isProposed && !(this.isMade && sent.length === 1))
      this.#say(doneText(this.#change));
  }

  #sayMade(isLast: boolean): void {
    this.#say(isLast ? doneText(this.#change) : anewText(this.#change));
    if (this.enrolmentCode !== null)
      this.#say(`  Enrolment code (shown this once): ${this.enrolmentCode}`);
  }

  #say(text: string): void {
    if (!this.#call.json) this.#call.terminal.line(text);
  }
}

interface ApplyOutcome {
  readonly carriedOut: ChangeOutcome[];
  readonly exitCode: number;
  /** What ended it before all was sent. */
  readonly ended: { readonly by: unknown } | null;
}

/** @returns what became of each, and the exit code */
export async function carryOut(
  call: Call,
  registry: Registry,
  changes: readonly DeclaredChange[],
): Promise<ApplyOutcome> {
  const carriedOut: ChangeOutcome[] = [];
  let exitCode: number = exitCodes.done;
  for (const [done, change] of changes.entries()) {
    call.terminal.progress(`Applying  ${done} of ${changes.length}`);
    const one = new Carrying(call, registry, change);
    try {
      await one.run();
      carriedOut.push(one.outcome('done'));
    } catch (error) {
      call.terminal.progress('');
      const { kind, name } = change;
      if (!call.json)
        call.terminal.error(one.isMade ? besideText(change) : `Not done: ${kind} ${name}.`);
      if (!isOfOne(error)) {
        if (one.isMade) carriedOut.push(one.outcome('refused'));
        return { carriedOut, exitCode, ended: { by: error } };
      }
      exitCode = Math.max(exitCode, reportFault(call.terminal, call.json, error));
      carriedOut.push(one.outcome('refused'));
    }
  }
  call.terminal.progress('');
  return { carriedOut, exitCode, ended: null };
}
