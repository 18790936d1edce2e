/** A short run of every trial of `npm run faults`. */
import '@kurrent/kurrentdb-client';
import { shortRuns } from '../trials/short-runs.ts';
import { trials } from './trials.ts';

shortRuns('trials of faults', 'faults', trials, 0.02);
