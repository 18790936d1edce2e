/** `npm run attacks`: what attackers try, as a table (`test/trials/run-trials.ts` has the options). */
import { runTrials } from '../trials/run-trials.ts';
import { trials } from './trials.ts';

await runTrials(trials);
