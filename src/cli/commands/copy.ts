/** For operators: `copy` moves a log with its vault to another store, and seals the one it came from. */
import { resolve } from 'node:path';
import { parseConfig } from '../../config/config.ts';
import {
  CopyRefused,
  LogAbsent,
  LogNotLive,
  StoreClientAbsent,
  StoreLocked,
  StoreUnavailable,
} from '../../store/errors.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { progressText } from '../terminal/progress.ts';
import { countText } from '../text/format.ts';

const server = /^(kurrentdb|esdb|kurrent|kdb)(\+discover)?:\/\/[^\s/]+/;
/** One letter alone is a drive. */
const scheme = /^[A-Za-z][A-Za-z0-9+.-]+:/;
const embedded = /^sqlite:(?!\/\/)(?=.)/;

/** A data folder, or the connection string of a server. */
function locationOf(call: Call, option: 'from' | 'to') {
  const text = call.text(option);
  if (text === null)
    throw usageFault(`--${option} is missing: a data folder, or kurrentdb://…`, [
      'For example: gatebook copy --from ./data --to kurrentdb://127.0.0.1:2113?tls=false',
    ]);
  const { dataDir } = parseConfig(call.environment);
  if (server.test(text)) return { store: text, dataDir };
  if (text === 'sqlite') return { store: 'sqlite', dataDir };
  const folder = text.replace(embedded, '');
  if (folder === text && scheme.test(text))
    // Only the scheme is said again: a password may stand behind it.
    throw usageFault(`--${option} ${scheme.exec(text)?.[0]}… is no place for a log.`, [
      'Give a folder, sqlite:FOLDER or kurrentdb://…; a folder with a colon in its name as ./NAME',
    ]);
  return { store: 'sqlite', dataDir: resolve(folder) };
}

const phases = {
  comparing: 'Comparing',
  vault: 'Copying the vault',
  log: 'Copying the log',
  verifying: 'Verifying',
} as const;

/** What an operator can do about a log that cannot be moved. `what`: what was not done. */
function copyFault(error: unknown, what: string, hint: string): unknown {
  const failed = (message: string, remedy: string) =>
    new CommandFailed(exitCodes.failed, `${what}: ${message}`, [remedy]);
  if (error instanceof LogAbsent) return failed(error.message, hint);
  if (error instanceof CopyRefused || error instanceof LogNotLive)
    return failed(`${error.message}.`, hint);
  if (error instanceof StoreClientAbsent)
    return failed(`${error.message}.`, 'Install it: npm install @kurrent/kurrentdb-client');
  if (error instanceof StoreLocked) return failed(error.message, 'Stop the service first.');
  if (error instanceof StoreUnavailable)
    return new CommandFailed(exitCodes.unreachable, `${what}: ${error.message}.`, [
      'Is the server of --from or --to running? The same command again goes on where it was.',
    ]);
  return error;
}

type OnProgress = Parameters<typeof import('../../main.ts')['moveLogBetween']>[2]['onProgress'];

const shownEveryMs = 100;
const columnsDefault = 80;
const saidEveryMs = 5_000;

/** On a terminal a line that is replaced; elsewhere a line now and then, once it takes long. */
function progressFor({ terminal }: Call): OnProgress {
  let shownAt = terminal.isErrorTerminal ? Number.NEGATIVE_INFINITY : performance.now();
  const everyMs = terminal.isErrorTerminal ? shownEveryMs : saidEveryMs;
  const say = terminal.isErrorTerminal ? terminal.progress : terminal.error;
  let begun = { phase: '', at: 0 };
  return ({ phase, events, fraction }) => {
    const now = performance.now();
    if (begun.phase !== phase) begun = { phase, at: now };
    if (now - shownAt < everyMs) return;
    shownAt = now;
    // A store tells how far it is, not how many there are.
    const total = fraction === null || fraction === 0 ? null : Math.round(events / fraction);
    const room = (terminal.columns ?? columnsDefault) - phases[phase].length - 2;
    say(`${phases[phase]}  ${progressText({ done: events, total }, now - begun.at, room)}`);
  };
}

/** Takes a copy back that was a mistake. */
async function runUnseal(call: Call): Promise<number> {
  const from = locationOf(call, 'from');
  const isGone = call.has('copy-is-gone');
  if (isGone === (call.text('to') !== null))
    throw usageFault(
      'Where is the copy? Name it with --to: it is sealed in the place of this log.',
      ['Only if it was destroyed, instead of --to: --copy-is-gone'],
    );
  const to = isGone ? null : locationOf(call, 'to');
  const { unsealLogAt } = await import('../../main.ts');
  try {
    await unsealLogAt(from, to);
  } catch (error) {
    throw copyFault(error, 'Not unsealed', 'Both logs stay as they are.');
  }
  if (call.json) call.terminal.json(JSON.stringify({ from: 'live', to: isGone ? null : 'sealed' }));
  else
    call.terminal.line(
      `The seal is lifted: ${isGone ? 'this log is' : 'the copy is sealed in its place, and this log is'} live again.`,
    );
  return exitCodes.done;
}

async function runCopy(call: Call): Promise<number> {
  const { terminal } = call;
  if (call.has('unseal')) return await runUnseal(call);
  if (call.has('copy-is-gone')) throw usageFault('--copy-is-gone goes with --unseal.');
  const from = locationOf(call, 'from');
  const to = locationOf(call, 'to');
  const { moveLogBetween } = await import('../../main.ts');
  const stopping = new AbortController();
  const interrupt = () => stopping.abort(new CommandFailed(exitCodes.interrupted, 'Stopped.'));
  process.once('SIGINT', interrupt);
  try {
    const { signal } = stopping;
    const copied = await moveLogBetween(from, to, { signal, onProgress: progressFor(call) });
    terminal.progress('');
    if (call.json) terminal.json(JSON.stringify(copied));
    else
      terminal.line(
        `Copied ${countText(copied.events, 'event')} and ${countText(copied.vaultEvents, 'secret')}; both logs have the hash ` +
          `${copied.sha256.slice(0, 4)}…${copied.sha256.slice(-2)}. The source is sealed: ` +
          'start Gatebook with GATEBOOK_STORE and GATEBOOK_DATA_DIR of the target, and the same key folder.',
      );
    return exitCodes.done;
  } catch (error) {
    terminal.progress('');
    throw copyFault(error, 'Not copied', 'Nothing of the target was overwritten.');
  } finally {
    process.off('SIGINT', interrupt);
  }
}

export const copyCommands: readonly Command[] = [
  {
    name: 'copy',
    summary: 'move the log and its vault to another store (the service must be stopped)',
    positionals: '',
    options: {
      from: { value: 'PLACE', help: 'a data folder, sqlite:FOLDER or kurrentdb://…' },
      to: { value: 'PLACE', help: 'the same: empty, or what an earlier copy began' },
      unseal: { help: 'take a copy back: --from is live again, --to is sealed' },
      'copy-is-gone': { help: 'with --unseal, in place of --to: the copy was destroyed' },
      json: { help: 'print counts and hashes' },
    },
    notes: [
      'Order, event ids, data and metadata stay as they are. Run again, it goes on where it stopped.',
      'At the end both are compared, and the source is sealed, so that two logs never both live.',
      '--unseal refuses where the copy has events that the source lacks; the service must be stopped.',
    ],
    examples: [
      "gatebook copy --from ./data --to 'kurrentdb://127.0.0.1:2113?tls=false'",
      "gatebook copy --from 'kurrentdb://127.0.0.1:2113?tls=false' --to sqlite:./data-2",
      'gatebook copy --unseal --from ./data --to ./copied-by-mistake',
    ],
    run: runCopy,
  },
];
