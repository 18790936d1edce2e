/** How a connection writes to the embedded log. */

/** KiB of pages in memory: enough for the upper floors of every index of some million events. */
const cacheKibibytes = 12 * 1024;
/** Of the thread, which only writes: beside them the last pages of each order are what it needs. */
export const threadCacheKibibytes = 4 * 1024;

/**
 * `fullfsync` matters on macOS only, where fsync alone does not reach the disk. No temporary files: what the vault holds
 * must not be left in one.
 */
export const writerPragmas = (cache = cacheKibibytes): string => `
  PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
  PRAGMA cache_size = -${cache};
`;
