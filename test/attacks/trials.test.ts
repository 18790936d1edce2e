/** A short run of every trial of `npm run attacks`. */
import { shortRuns } from '../trials/short-runs.ts';
import { trials } from './trials.ts';

shortRuns('trials of attacks', 'attacks', trials, 0.003);
