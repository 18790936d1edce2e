/** Which answers were seen: written down at the end of the process, where a folder for it is named. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const seen = new Map<string, number>();

/** @param code of a problem; '': it is none */
export function see(operationId: string, status: number, code: string): void {
  const triple = `${operationId} ${status} ${code}`.trim();
  seen.set(triple, (seen.get(triple) ?? 0) + 1);
}

const folder = process.env.API_COVERAGE;
if (folder !== undefined)
  process.on('exit', () => {
    if (seen.size === 0) return;
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(Object.fromEntries(seen)));
  });
