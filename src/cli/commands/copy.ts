/** For operators: `copy` moves a log with its vault to another store, and seals the one it came from. */
import { resolve } from 'node:path';
import { parseConfig } from '../../config/config.ts';
import { CopyRefused, LogAbsent, LogNotLive, StoreLocked } from '../../store/errors.ts';
import { type Call, type Command, CommandFailed, exitCodes, usageFault } from '../command.ts';
import { countText } from '../text/format.ts';

const server = /^(kurrentdb|esdb|kurrent|kdb)(\+discover)?:\/\//;

/** A data folder, or the connection string of a server. */
function locationOf(call: Call, option: 'from' | 'to') {
  const text = call.text(option);
  if (text === null)
    throw usageFault(`--${option} is missing: a data folder, or kurrentdb://…`, [
      'For example: gatebook copy --from ./data --to kurrentdb://127.0.0.1:2113?tls=false',
    ]);
  const { dataDir } = parseConfig(call.environment);
  if (server.test(text)) return { store: text, dataDir };
  return { store: 'sqlite', dataDir: text === 'sqlite' ? dataDir : resolve(text) };
}

const phases = {
  comparing: 'Comparing',
  vault: 'Copying the vault',
  log: 'Copying the log',
  verifying: 'Verifying',
} as const;

/** What an operator can do about a log that cannot be moved. */
function copyFault(error: unknown): unknown {
  if (error instanceof CopyRefused || error instanceof LogNotLive || error instanceof LogAbsent)
    return new CommandFailed(exitCodes.failed, `Not copied: ${error.message}.`, [
      'Nothing of the target was overwritten.',
    ]);
  if (error instanceof StoreLocked)
    return new CommandFailed(exitCodes.failed, `Not copied: ${error.message}`, [
      'Stop the service first.',
    ]);
  return error;
}

async function runCopy(call: Call): Promise<number> {
  const { terminal } = call;
  const from = locationOf(call, 'from');
  const to = locationOf(call, 'to');
  const { moveLogBetween } = await import('../../main.ts');
  const stopping = new AbortController();
  const interrupt = () => stopping.abort(new CommandFailed(exitCodes.interrupted, 'Stopped.'));
  process.once('SIGINT', interrupt);
  let shownAt = Number.NEGATIVE_INFINITY;
  try {
    const copied = await moveLogBetween(from, to, {
      signal: stopping.signal,
      onProgress({ phase, events, fraction }) {
        const now = performance.now();
        if (now - shownAt < 100 && fraction !== 1) return;
        shownAt = now;
        const share = fraction === null ? '' : `  ${Math.floor(fraction * 100)} %`;
        terminal.progress(`${phases[phase]}${share}  ${countText(events, 'event')}`);
      },
    });
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
    throw copyFault(error);
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
      from: { value: 'PLACE', help: 'a data folder, or kurrentdb://…' },
      to: { value: 'PLACE', help: 'the same: empty, or what an earlier copy began' },
      json: { help: 'print counts and hashes' },
    },
    notes: [
      'Order, event ids, data and metadata stay as they are. Run again, it goes on where it stopped.',
      'At the end both are compared, and the source is sealed, so that two logs never both live.',
    ],
    examples: [
      "gatebook copy --from ./data --to 'kurrentdb://127.0.0.1:2113?tls=false'",
      "gatebook copy --from 'kurrentdb://127.0.0.1:2113?tls=false' --to ./data-2",
    ],
    run: runCopy,
  },
];
