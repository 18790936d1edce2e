/** Every line of the bench, in the order of its table. */
import type { Line } from './line.ts';
import { enrol } from './lines/enrol.ts';
import { est } from './lines/est.ts';
import { exporting } from './lines/export.ts';
import { grant, grantMosquitto, revoke } from './lines/grant.ts';
import { growth } from './lines/growth.ts';
import { hookDecision, hookOpen } from './lines/hook.ts';
import { registerKurrent } from './lines/kurrentdb.ts';
import { life } from './lines/life.ts';
import { connects, qos0, qos1 } from './lines/mqtt.ts';
import { provision } from './lines/provision.ts';
import { rebuild, start } from './lines/rebuild.ts';
import { reconnect } from './lines/reconnect.ts';
import { pollGet, pollPost, registerLocked, registerNew, registerOpen } from './lines/register.ts';

export const lines: readonly Line[] = [
  registerNew,
  registerOpen,
  pollPost,
  pollGet,
  registerLocked,
  est,
  hookDecision,
  hookOpen,
  connects,
  qos0,
  qos1,
  grant,
  grantMosquitto,
  revoke,
  provision,
  enrol,
  rebuild,
  start,
  growth,
  reconnect,
  life,
  exporting,
  registerKurrent,
];
