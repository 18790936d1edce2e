/** Answers nobody by rows from which something is gone that was told already: a revocation, for one. */
import type { ReadModels } from '../../read-models/read-models.ts';
import { StoreUnavailable } from '../../store/event-store.ts';
import type { Guard } from '../edge.ts';

const judged = ['/api/', '/hooks/', '/.well-known/est/'];

/** Health, metrics and the page itself rest on no rows. */
export const wholeRowsOnly =
  (readModels: Pick<ReadModels, 'isUndone'>): Guard =>
  ({ url = '' }) => {
    if (readModels.isUndone() && judged.some((beginning) => url.startsWith(beginning)))
      throw new StoreUnavailable('rows that could not be written are read from the log again');
  };
