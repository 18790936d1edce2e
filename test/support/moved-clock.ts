/** Loaded into the service with `--import`: its clock is off by the milliseconds that the file `MOVED_CLOCK` holds. */
import { readFileSync } from 'node:fs';

const file = process.env.MOVED_CLOCK ?? '';
const TrueDate = Date;

function offMs(): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

globalThis.Date = class extends TrueDate {
  constructor(...given: []) {
    if (given.length === 0) super(TrueDate.now() + offMs());
    else super(...given);
  }

  static override now(): number {
    return TrueDate.now() + offMs();
  }
} as DateConstructor;
