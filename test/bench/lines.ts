/** Every line of the bench, in the order of its table. */
import type { Line } from './line.ts';
import { grant, grantMosquitto, revoke } from './lines/grant.ts';
import { hookDecision, hookOpen } from './lines/hook.ts';
import { connects, qos0, qos1 } from './lines/mqtt.ts';
import { provision } from './lines/provision.ts';
import { rebuild, start } from './lines/rebuild.ts';
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
  grant,
  grantMosquitto,
  revoke,
  provision,
  rebuild,
  start,
];
