/** For operators: `serve` and `rebuild`, which work on the data folder itself. */
import { type Config, parseConfig } from '../../config/config.ts';
import { ConfigError } from '../../config/fault.ts';
import { configTable } from '../../config/variables.ts';
import { createLogger } from '../../logger.ts';
import { sqliteCode } from '../../platform/sqlite/result-codes.ts';
import {
  LogAbsent,
  LogNotLive,
  OwnLogUnavailable,
  StoreClientAbsent,
  StoreLocked,
  StoreUnavailable,
} from '../../store/errors.ts';
import { systemCode } from '../client/unreachable.ts';
import { type Call, type Command, CommandFailed, exitCodes } from '../command.ts';
import { fullDiskFaults } from '../fault.ts';
import { progressOf } from '../terminal/progress.ts';
import { countText } from '../text/format.ts';
import { MistypedError } from '../text/mistyped.ts';

/** What the composition root offers; it is loaded only here, because it brings everything along. */
const service = () => import('../../main.ts');

const hostileFolder = './hostile-data';

async function runServe(call: Call): Promise<number> {
  const config = configOf(call);
  const logger = createLogger({ level: config.logLevel });
  const stopping = new AbortController();
  const interrupt = () => {
    // Somebody who asks twice does not want to wait.
    if (stopping.signal.aborted) process.exit(exitCodes.interrupted);
    stopping.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    const { startService } = await service();
    const { stop } = await startService(config, logger, undefined, stopping.signal);
    if (!stopping.signal.aborted)
      await new Promise((resolve) =>
        stopping.signal.addEventListener('abort', resolve, { once: true }),
      );
    await stop();
    return exitCodes.done;
  } catch (error) {
    // Stopped while it was starting: what there was of it has ended.
    if (stopping.signal.aborted && error === stopping.signal.reason) return exitCodes.done;
    throw startFault(error, config.dataDir);
  }
}

/** A hostile registry's folder is by default one of its own. @throws ConfigError, CommandFailed */
function configOf({ environment, ...call }: Call): Config {
  const hostileSeed = call.read('hostile', seedOf);
  if (hostileSeed === null) return parseConfig(environment);
  const isNamed = environment.GATEBOOK_DATA_DIR ?? environment.GATEBOOK_DATA_DIR_FILE;
  const folder = isNamed === undefined && { GATEBOOK_DATA_DIR: hostileFolder };
  return { ...parseConfig({ ...environment, ...folder }), hostileSeed };
}

function seedOf(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new MistypedError(
    `"${text}" is no seed. Give a number, or another word of letters and digits.`,
  );
}

/** What an operator can do about a service that does not start. */
export function startFault(error: unknown, dataDir: string): unknown {
  const { syscall, port, address, hostname, path } = error as NodeJS.ErrnoException & {
    port?: number;
    address?: string;
    hostname?: string;
  };
  if (error instanceof ConfigError || error instanceof CommandFailed) return error;
  if (error instanceof StoreLocked)
    return new CommandFailed(
      exitCodes.failed,
      `The data folder ${dataDir} is in use by another process.`,
      ['Stop that Gatebook first, or choose another folder: GATEBOOK_DATA_DIR'],
    );
  if (error instanceof LogNotLive)
    return new CommandFailed(exitCodes.failed, `The log is not to be used: ${error.message}.`);
  if (error instanceof LogAbsent)
    return new CommandFailed(exitCodes.usage, error.message, [
      'Name the folder of the service: GATEBOOK_DATA_DIR',
    ]);
  if (error instanceof StoreClientAbsent)
    return new CommandFailed(exitCodes.usage, `${error.message}.`, [
      'It comes with Gatebook unless npm is told --omit=optional: npm install @kurrent/kurrentdb-client',
      'Or keep the log here: GATEBOOK_STORE=sqlite',
    ]);
  const ownFiles = filesFault(error, dataDir);
  if (ownFiles !== undefined) return ownFiles;
  if (error instanceof StoreUnavailable)
    return new CommandFailed(
      exitCodes.unreachable,
      `Cannot use the event store: ${error.message}.`,
      [
        'Is it running, and does it lead (a cluster needs most of its nodes)? Its address: GATEBOOK_STORE',
      ],
    );
  const code = systemCode(error);
  // Who else looks a name up at a start, a broker or an issuer, is waited for and ends no start.
  if (syscall === 'getaddrinfo')
    return new CommandFailed(
      exitCodes.failed,
      `Cannot listen on ${hostname ?? '?'} (${listenReasons[code] ?? code}).`,
      [
        'Give an address of this machine: GATEBOOK_HOST, GATEBOOK_HTTP_HOST, GATEBOOK_MQTT_HOST, GATEBOOK_DOOR_HOST, GATEBOOK_GATEWAY_HOST (0.0.0.0: all of them)',
      ],
    );
  if (syscall === 'listen')
    return new CommandFailed(
      exitCodes.failed,
      `Cannot listen on ${address ?? '?'} port ${port ?? '?'} (${listenReasons[code] ?? code}).`,
      [
        'Choose another: GATEBOOK_HTTP_PORT, GATEBOOK_HTTPS_PORT, GATEBOOK_MQTT_PORT, GATEBOOK_MQTT_TLS_PORT, GATEBOOK_MQTT_WS_PORT, GATEBOOK_DOOR_PORT, GATEBOOK_HOST (0 takes a free port)',
      ],
    );
  if (folderFaults.includes(code) || (code === 'ENOENT' && syscall === 'mkdir'))
    return new CommandFailed(exitCodes.failed, `Cannot use ${path ?? dataDir} (${code}).`, [
      'The service needs a folder that it may write to: GATEBOOK_DATA_DIR, GATEBOOK_KEYS_DIR',
    ]);
  return error;
}

const folderFaults = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'];

/** A disk that takes nothing more, or fails, whoever says so; undefined: it is something else. */
function filesFault(error: unknown, dataDir: string) {
  const isOfLog = error instanceof OwnLogUnavailable;
  const isFull = fullDiskFaults.includes(systemCode(error));
  if (!isOfLog && !isFull && sqliteCode(error) === undefined) return undefined;
  const { message, path = dataDir } = error as NodeJS.ErrnoException;
  return new CommandFailed(exitCodes.failed, `Cannot use the files in ${path}: ${message}.`, [
    `Is its disk full, or failing? Make room there and start again, or choose another folder: GATEBOOK_DATA_DIR, GATEBOOK_KEYS_DIR`,
  ]);
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it',
  EACCES: 'ports below 1024 need a right of their own',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
};

async function runRebuild(call: Call): Promise<number> {
  const { terminal } = call;
  const config = parseConfig(call.environment);
  let progress: ((done: number) => void) | undefined;
  const onProgress = ({ done, total }: { done: number; total: number }) => {
    progress ??= progressOf(call, 'Rebuilding', total);
    progress(done);
  };
  try {
    // Of the service no more than that: the rest of it takes longer to load than a short log to fold.
    const { rebuildReadModels } = await import('../../startup/read-models.ts');
    const { before, position, stateHash, items } = await rebuildReadModels(config, onProgress);
    terminal.progress('');
    if (call.json) terminal.json(JSON.stringify({ position, stateHash, items }));
    else {
      const short = `${stateHash.slice(0, 4)}…${stateHash.slice(-2)}`;
      const compared =
        before === null
          ? 'not to be compared: there was none that was as far'
          : before === stateHash
            ? 'the same as before'
            : `another than before (${before.slice(0, 4)}…${before.slice(-2)})`;
      terminal.line(
        `Rebuilt ${countText(items.length, 'read model')}. State ${short} is ${compared}.`,
      );
    }
    return exitCodes.done;
  } catch (error) {
    throw startFault(error, config.dataDir);
  }
}

function configHelp(): string[] {
  const width = Math.max(...configTable.map(({ name }) => name.length));
  return [
    'Configuration is by environment variables; NAME_FILE in place of NAME takes the value from a file:',
    ...configTable.map(
      ({ name, default: value, meaning }) => `  ${name.padEnd(width)}  ${meaning} (${value})`,
    ),
    'Durations: 500ms 90s 24h 30d. Lists: separated by commas.',
  ];
}

export const operateCommands: readonly Command[] = [
  {
    name: 'serve',
    summary: 'run the registry, its page and its broker',
    positionals: '',
    options: {
      hostile: {
        value: 'SEED',
        help: `be a hostile registry, to try the clients of devices; data in ${hostileFolder}`,
      },
    },
    notes: configHelp(),
    examples: [
      'npm start',
      'GATEBOOK_HOST=0.0.0.0 GATEBOOK_DATA_DIR=/var/lib/gatebook gatebook serve',
      'gatebook serve --hostile 7',
    ],
    run: runServe,
  },
  {
    name: 'rebuild',
    summary: 'make the read models anew from the log (the service must be stopped)',
    positionals: '',
    options: { json: { help: 'print what GET /api/read-models answers' } },
    notes: ['Reads the same environment variables as gatebook serve.'],
    examples: ['gatebook rebuild', 'GATEBOOK_DATA_DIR=/var/lib/gatebook gatebook rebuild --json'],
    run: runRebuild,
  },
];
