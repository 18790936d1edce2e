/** Nothing that was deleted stays in the journal: it is emptied after each commit that deleted. */

interface Deletions {
  /** One was committed, or perhaps was: the journal must be emptied. */
  committed(): void;
  /** Resolves when nothing that was deleted before is in the journal. @throws StoreUnavailable, and it stays due */
  gone(): Promise<void>;
  /** The same at once, where it is due: while nobody else writes. */
  goneNow(): void;
}

/**
 * @param journal.empty with whoever writes now; those that come together share it
 * @param journal.emptyHere on the event loop
 */
export function deletionsFrom(journal: {
  empty: () => Promise<void>;
  emptyHere: () => void;
}): Deletions {
  // Due at first, because a crash may have come between the two.
  let [count, goneCount] = [1, 0];
  let emptying: Promise<void> | undefined;

  async function empty(): Promise<void> {
    const before = count;
    try {
      await journal.empty();
      goneCount = Math.max(goneCount, before);
    } finally {
      emptying = undefined;
    }
  }

  return {
    committed() {
      count += 1;
    },
    async gone() {
      const wanted = count;
      while (goneCount < wanted) {
        emptying ??= empty();
        await emptying;
      }
    },
    goneNow() {
      if (goneCount === count) return;
      journal.emptyHere();
      goneCount = count;
    },
  };
}
