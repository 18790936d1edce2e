/** What runs by the clock: how often it looks, and how much it takes at once. */
import { bulkAtOnceMax } from './administration.ts';

/** Requests or grants that the expiry job ends in one turn, so that nothing else waits long. */
export const dueAtOnceMax = 4 * bulkAtOnceMax;
/** How often schedules are looked at. */
export const schedulesEveryMs = 500;
/** Leads at which ends are warned of; milliseconds between two looks, and for which a look goes back once more. */
export const endWarningsMax = 8;
export const endWarningsLookMs = 10_000;
export const endWarningsAgainMs = 10 * 60_000;
/** Milliseconds between two looks for clients that were not seen for too long. */
export const staleLookMs = 60_000;
/** Days ahead that ends of certificates are looked for; and how many days before its end one counts as expiring. */
export const certificateDaysMax = 3_650;
export const certificateExpiringDays = 30;
/** The same of access. */
export const endDaysMax = 3_650;
export const grantEndingDays = 30;
/** Milliseconds that a count of those is held, however often somebody scrapes. */
export const endsCountedEveryMs = 5_000;
/** Milliseconds between two looks at the store's disks, for what is left of the erased there, and at least between two that were asked for. */
export const erasuresLookEveryMs = 5 * 60 * 1_000;
export const erasuresLookApartMs = 2_000;
/** Milliseconds that the list of erasures waits for such a look. */
export const erasuresLookWaitMs = 5_000;
/** Erasures that are read at a time. */
export const erasuresReadAtOnceMax = 1_000;
/** How often the room on the disk is looked at. */
export const diskLookMs = 10_000;
