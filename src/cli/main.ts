/** The command line `gatebook`. */
import { processEnvironment } from '../config/reading.ts';
import { runCommandLine } from './run.ts';

// Whoever reads our output may stop reading (`gatebook users | head`); that is no fault.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

process.exitCode = await runCommandLine(process.argv.slice(2), processEnvironment(), process);
