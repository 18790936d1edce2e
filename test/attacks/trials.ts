/** Every trial, in the order of the table. */
import type { Trial } from '../trials/trial.ts';
import { files } from './trials/files.ts';
import { fronts } from './trials/fronts.ts';
import { fuzzHttp } from './trials/fuzz-http.ts';
import { fuzzMqtt } from './trials/fuzz-mqtt.ts';
import { guessing } from './trials/guessing.ts';
import { idle } from './trials/idle.ts';
import { madeUpNames } from './trials/made-up-names.ts';
import { neighbours } from './trials/neighbours.ts';
import { patterns } from './trials/patterns.ts';
import { redirects } from './trials/redirects.ts';
import { rights } from './trials/rights.ts';
import { tokens } from './trials/tokens.ts';
import { webPages } from './trials/web-pages.ts';

export const trials: readonly Trial[] = [
  madeUpNames,
  idle,
  guessing,
  fuzzHttp,
  fuzzMqtt,
  neighbours,
  files,
  fronts,
  rights,
  webPages,
  redirects,
  patterns,
  tokens,
];
