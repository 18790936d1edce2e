/** Every trial, in the order of the table. */
import type { Trial } from '../trials/trial.ts';
import { brokers } from './trials/brokers.ts';
import { disk } from './trials/disk.ts';
import { identity } from './trials/identity.ts';
import { kill } from './trials/kill.ts';
import { killDeeds } from './trials/kill-deeds.ts';
import { machine } from './trials/machine.ts';
import { model } from './trials/model.ts';
import { nodes } from './trials/nodes.ts';
import { rabbitmq } from './trials/rabbitmq.ts';
import { races } from './trials/races.ts';
import { receivers } from './trials/receivers.ts';
import { store } from './trials/store.ts';

export const trials: readonly Trial[] = [
  model,
  kill,
  killDeeds,
  disk,
  machine,
  nodes,
  races,
  store,
  brokers,
  rabbitmq,
  receivers,
  identity,
];
