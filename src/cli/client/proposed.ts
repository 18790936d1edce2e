/** Commands that wait for several people: what is said of them instead of what they would have said. */
import type { Proposal } from '../../api/output.ts';
import { deedWords, gainsWords, missingWords } from '../../api/proposal-words.ts';
import { type Call, CommandFailed, exitCodes } from '../command.ts';
import { dateTimeText } from '../text/format.ts';

/** The registry answered 202: it is recorded, and others are to approve it. Nothing failed. */
export class CommandWaits extends CommandFailed {
  override name = 'CommandWaits';
  /** The proposal as it came. */
  readonly text: string;
  constructor(proposal: Proposal, text: string) {
    const { proposalId, until, needed } = proposal;
    super(exitCodes.done, `Not done yet, it needs ${needed} people: ${deedWords(proposal)}`, [
      gainsWords(proposal),
      `${missingWords(proposal)} It ends ${dateTimeText(until)}.`,
      `Another administrator: gatebook approvals approve ${proposalId}`,
      `What it answered, once it is approved: gatebook approvals collect ${proposalId}`,
    ]);
    this.text = text;
  }
}

/** The proposal in an answer; undefined: it is none. */
export function proposalIn(status: number, body: unknown): Proposal | undefined {
  const { proposalId, hash } = (body ?? {}) as Partial<Proposal>;
  const isOne = status === 202 && typeof proposalId === 'string' && typeof hash === 'string';
  return isOne ? (body as Proposal) : undefined;
}

/** Says on stdout that it waits, or prints what the registry answered. */
export function sayWaits({ terminal, json }: Pick<Call, 'terminal' | 'json'>, waits: CommandWaits) {
  if (json) terminal.json(waits.text);
  else for (const line of [waits.message, ...waits.hints]) terminal.line(line);
}

/** One command of several: where it waits, that is said, and the next one is sent. */
export async function unlessWaits<Value>(
  call: Call,
  work: () => Promise<Value>,
): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CommandWaits)) throw error;
    sayWaits(call, error);
    return undefined;
  }
}
