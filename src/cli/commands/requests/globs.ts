/** What a glob grants or denies: shown first, asked about, and done in bulk to what was shown. */
import { fitsPattern } from '../../../../domain/pattern.ts';
import type { Bulk, Request } from '../../../api/output.ts';
import { everyItem } from '../../client/lists.ts';
import { unlessWaits } from '../../client/proposed.ts';
import type { Registry } from '../../client/registry-client.ts';
import { type Call, CommandFailed, exitCodes, retyped } from '../../command.ts';
import { confirmed } from '../../terminal/confirm.ts';
import { agoText, countText, pairingText, shortened } from '../../text/format.ts';

export const requestsPath = '/client-registry/requests';
/** Ids in one bulk decision. */
const bulkMax = 1_000;
const namesShownMax = 12;
const rowsShownMax = 50;
export const isGlob = (text: string): boolean => /[*?]/.test(text);

type Verb = 'grant' | 'deny';
const doneWord = (verb: Verb) => (verb === 'grant' ? 'granted' : 'denied');

/** The waiting requests whose names fit a glob. @throws CommandFailed when there are none */
export async function fitting(registry: Registry, glob: string): Promise<Request[]> {
  const requests = new Map<string, Request>();
  for await (const request of everyItem<Request>(registry, requestsPath, { status: 'pending' }))
    if (fitsPattern(glob, request.username)) requests.set(request.requestId, request);
  if (requests.size === 0)
    throw new CommandFailed(exitCodes.refused, `No waiting request fits ${glob}.`, [
      'See them with: gatebook requests',
    ]);
  return [...requests.values()];
}

const byName = new Intl.Collator('en', { numeric: true }).compare;

/** Why a bulk decision leaves a request alone; null: it does not. */
const aloneBecause = ({ kind, contested }: Request): string | null =>
  kind === 'replacement' ? 'replacement' : contested ? 'contested' : null;

/** Every request that would be decided, and how. */
export function showRequests(
  call: Call,
  verb: Verb,
  rights: string,
  byGlob: readonly Request[],
  byItself: readonly Request[],
): void {
  const all = [...byGlob, ...byItself].toSorted((a, b) => byName(a.username, b.username));
  call.terminal.table(
    ['NAME', 'PAIRING', 'KIND', 'SOURCE', 'ASKED'],
    all
      .slice(0, rowsShownMax)
      .map((request) => [
        { text: request.username, style: 'strong' },
        pairingText(request.pairingId),
        request.contested ? `${request.kind}, contested` : request.kind,
        request.source ?? '–',
        agoText(request.requestedAt, call.now()),
      ]),
  );
  if (all.length > rowsShownMax)
    call.terminal.line(`… and ${(all.length - rowsShownMax).toLocaleString('en')} more`);
  const aloneCount = byGlob.filter((request) => aloneBecause(request) !== null).length;
  const said = ` (${rights === '' ? 'no rights' : rights})`;
  const alone = aloneCount === 0 ? '' : `, ${aloneCount} left alone`;
  call.terminal.line(
    `${all.length - aloneCount} would be ${doneWord(verb)}${verb === 'grant' ? said : ''}${alone}.${call.has('dry-run') ? ' Without --dry-run they are.' : ''}`,
  );
}

/** @throws CommandFailed when it is not meant, or nobody can be asked */
export async function confirmGlobs(
  call: Call,
  verb: Verb,
  globs: readonly string[],
  count: number,
): Promise<void> {
  const nothing = `Nothing was ${doneWord(verb)}`;
  const words = globs.join(' ');
  const isMeant = await confirmed(
    call,
    `${verb === 'grant' ? 'Grant' : 'Deny'} ${countText(count, 'request')}`,
    `${nothing}: ${words} needs --yes, or a terminal to ask on.`,
    [`See first what fits: gatebook ${verb} ${retyped(call)} --dry-run`],
  );
  if (!isMeant) throw new CommandFailed(exitCodes.failed, `${nothing}.`);
}

/** Decides what was shown, and no other that came since. Resolves with the exit code. */
export async function decideBulk(
  call: Call,
  registry: Registry,
  verb: Verb,
  body: object,
  found: readonly Request[],
): Promise<number> {
  const requests = new Map(found.map((request) => [request.requestId, request]));
  const done: string[] = [];
  const leftAlone: string[] = [];
  let isWaiting = false;
  let exitCode: number = exitCodes.done;
  const ids = [...requests.keys()];
  for (let at = 0; at < ids.length; at += bulkMax) {
    const sent = { ids: ids.slice(at, at + bulkMax), ...body };
    const answer = await unlessWaits(call, () =>
      registry.send<Bulk>('POST', `${requestsPath}/${verb}`, sent),
    );
    isWaiting ||= answer === undefined;
    if (answer === undefined) continue;
    if (call.json) call.terminal.json(answer.text);
    for (const result of answer.body.results) {
      const name = requests.get(result.requestId)?.username ?? result.requestId;
      if (!('problem' in result)) done.push(name);
      else if (result.problem.code === 'request-contested') leftAlone.push(`${name} (contested)`);
      else if (result.problem.code === 'replacement-not-in-bulk')
        leftAlone.push(`${name} (replacement)`);
      else {
        exitCode = exitCodes.refused;
        if (!call.json) call.terminal.error(`Not done: ${name}. ${result.problem.detail}`);
      }
    }
  }
  if (!call.json && (!isWaiting || done.length + leftAlone.length > 0))
    sayBulk(call, verb, done, leftAlone);
  return exitCode;
}

function sayBulk(call: Call, verb: Verb, done: string[], leftAlone: string[]) {
  const names = (list: string[], separator: string) =>
    shortened(list.sort(byName), namesShownMax).join(separator);
  const said = verb === 'grant' ? 'Granted' : 'Denied';
  call.terminal.line(
    { text: said, style: verb === 'grant' ? 'good' : 'bad' },
    ` ${done.length}${done.length > 0 ? `: ${names(done, ' ')}` : ''}`,
  );
  if (leftAlone.length > 0)
    call.terminal.line(
      { text: 'Left alone', style: 'warning' },
      ` ${leftAlone.length}: ${names(leftAlone, ', ')}. ${verb === 'grant' ? 'Grant' : 'Deny'} these by name: gatebook ${verb} ${retyped(call, { words: ['NAME'], without: ['yes'] })}`,
    );
}
