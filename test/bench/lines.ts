/** Every line of the bench, in the order of its table. */
import type { Line } from './line.ts';
import { hookDecision, hookOpen } from './lines/hook.ts';
import { connects, qos0, qos1 } from './lines/mqtt.ts';
import { pollGet, pollPost, registerLocked, registerNew, registerOpen } from './lines/register.ts';

export const lines: readonly Line[] = [
  registerNew,
  registerOpen,
  pollPost,
  pollGet,
  registerLocked,
  hookDecision,
  hookOpen,
  connects,
  qos0,
  qos1,
];
