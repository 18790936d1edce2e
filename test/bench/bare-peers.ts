/** The bare parts as contestants' peers: started once for a line, ended with it. */
import { join } from 'node:path';
import { ended, started } from '../../src/bench/child.ts';

export interface Peer {
  readonly port: number;
  stop(): Promise<void>;
}

export async function bare(kind: 'koa' | 'aedes'): Promise<Peer> {
  const file = join(import.meta.dirname, 'bare.ts');
  const { child, line } = await started(process.execPath, [file, kind], 'ready', process.env);
  return { port: Number(line.split(' ')[1]), stop: () => ended(child) };
}
