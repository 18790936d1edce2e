/** The Merkle tree of RFC 9162, section 2.1: hashes, growth, proofs, and how they are checked. */
import { hash as hashOf } from 'node:crypto';

/** 32 bytes. */
export type Hash = Buffer;

const leafPrefix = 0;
const nodePrefix = 1;
export const hashBytes = 32;
/** Where the two hashes stand in what a node is the hash of. */
const leftAt = 1;
const rightAt = leftAt + hashBytes;

/** SHA-256: in one call, which is twice as fast as a hash that is fed, and as text, which is faster than a buffer of its own. */
const digestText = (bytes: string | Uint8Array): string => hashOf('sha256', bytes, 'binary');
const digest = (bytes: string | Uint8Array): Hash => Buffer.from(digestText(bytes), 'binary');

/** Of the prefix and the parts. */
function sha256(prefix: number, ...parts: readonly Uint8Array[]): Hash {
  const bytes = Buffer.allocUnsafe(parts.reduce((sum, { length }) => sum + length, 1));
  bytes[0] = prefix;
  let end = 1;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return digest(bytes);
}

export const emptyRoot: Hash = digest('');
export const leafHash = (leaf: Uint8Array): Hash => sha256(leafPrefix, leaf);
/** The same of bytes that are this text in UTF-8, which needs no buffer. */
export const leafHashOfText = (leaf: string): Hash =>
  digest(String.fromCharCode(leafPrefix) + leaf);
/** Filled anew for each node. */
const node = Buffer.alloc(1 + 2 * hashBytes, nodePrefix);
export function nodeHash(left: Hash, right: Hash): Hash {
  // A proof may hold anything.
  if (left.length !== hashBytes || right.length !== hashBytes)
    return sha256(nodePrefix, left, right);
  node.set(left, leftAt);
  node.set(right, rightAt);
  return digest(node);
}

const half = (count: number) => Math.floor(count / 2);
const isOdd = (count: number) => count % 2 === 1;

function trailingOnes(place: number): number {
  let ones = 0;
  for (let rest = place; isOdd(rest); rest = half(rest)) ones += 1;
  return ones;
}

/** The right edge of a tree: all that is needed to let it grow, two hashes for each level. */
export class Frontier {
  #size = 0;
  /** Of each level what its next node is the hash of: first the complete subtree that waits for its sibling. */
  readonly #nodes: Buffer[] = [];

  get size(): number {
    return this.#size;
  }

  /** Adds a leaf by its hash; gives the roots of the complete subtrees that end with it, level 0 first, one after the other. */
  add(leaf: Hash): Buffer {
    let level = 0;
    let place = this.#size;
    this.#size += 1;
    leaf.copy(this.#node(0), isOdd(place) ? rightAt : leftAt);
    if (!isOdd(place)) return leaf;
    const completed = Buffer.allocUnsafe(hashBytes * (trailingOnes(place) + 1));
    leaf.copy(completed);
    for (; isOdd(place); place = half(place)) {
      const hash = digestText(this.#node(level));
      level += 1;
      completed.write(hash, level * hashBytes, 'binary');
      this.#node(level).write(hash, isOdd(half(place)) ? rightAt : leftAt, 'binary');
    }
    return completed;
  }

  #node(level: number): Buffer {
    const known = this.#nodes[level];
    if (known !== undefined) return known;
    const made = Buffer.alloc(1 + 2 * hashBytes, nodePrefix);
    this.#nodes[level] = made;
    return made;
  }

  #waiting(level: number): Hash {
    return Buffer.from(this.#node(level).subarray(leftAt, rightAt));
  }

  /** The root of the tree as it is now. */
  root(): Hash {
    let root: Hash | undefined;
    let level = 0;
    for (let rest = this.#size; rest > 0; rest = half(rest), level += 1)
      if (isOdd(rest)) {
        const waiting = this.#waiting(level);
        root = root === undefined ? waiting : nodeHash(waiting, root);
      }
    return root ?? emptyRoot;
  }

  /** The frontier of a tree of `size` leaves whose complete subtrees are known. */
  static at(size: number, nodeAt: NodeAt): Frontier {
    const frontier = new Frontier();
    frontier.#size = size;
    let level = 0;
    for (let rest = size; rest > 0; rest = half(rest), level += 1)
      if (isOdd(rest)) nodeAt(level, rest - 1).copy(frontier.#node(level), leftAt);
    return frontier;
  }
}

/** The root of the complete subtree over the leaves from `index * 2^level`, 2^level of them. */
export type NodeAt = (level: number, index: number) => Hash;

/** The greatest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** Exact for every size that a number can hold, which a logarithm is not. */
const isPowerOfTwo = (count: number): boolean => 2 ** Math.round(Math.log2(count)) === count;

/** MTH of the leaves from `begin` up to `end`; `begin` stands where a subtree of that size can begin. */
function rangeHash(nodeAt: NodeAt, begin: number, end: number): Hash {
  const count = end - begin;
  if (isPowerOfTwo(count)) return nodeAt(Math.log2(count), begin / count);
  const split = splitOf(count);
  return nodeHash(rangeHash(nodeAt, begin, begin + split), rangeHash(nodeAt, begin + split, end));
}

/** The root that the tree had when it held `size` leaves. */
export const rootAt = (nodeAt: NodeAt, size: number): Hash =>
  size === 0 ? emptyRoot : rangeHash(nodeAt, 0, size);

/** PATH (section 2.1.3.1): that the leaf `index` is in the tree of `size` leaves. `index` < `size`. */
export function inclusionProof(nodeAt: NodeAt, index: number, size: number): Hash[] {
  const path = (begin: number, end: number): Hash[] => {
    if (end - begin === 1) return [];
    const middle = begin + splitOf(end - begin);
    return index < middle
      ? [...path(begin, middle), rangeHash(nodeAt, middle, end)]
      : [...path(middle, end), rangeHash(nodeAt, begin, middle)];
  };
  return path(0, size);
}

/** PROOF (section 2.1.4.1): that the tree of `to` leaves begins with that of `from`. 0 < `from` <= `to`. */
export function consistencyProof(nodeAt: NodeAt, from: number, to: number): Hash[] {
  const subproof = (begin: number, end: number, isWhole: boolean): Hash[] => {
    if (from === end) return isWhole ? [] : [rangeHash(nodeAt, begin, end)];
    const middle = begin + splitOf(end - begin);
    return from <= middle
      ? [...subproof(begin, middle, isWhole), rangeHash(nodeAt, middle, end)]
      : [...subproof(middle, end, false), rangeHash(nodeAt, begin, middle)];
  };
  return subproof(0, to, true);
}

/** Section 2.1.3.2. */
export function includes(
  { index, size, leaf, root }: { index: number; size: number; leaf: Hash; root: Hash },
  proof: readonly Hash[],
): boolean {
  if (index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(sibling, hash);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else hash = nodeHash(hash, sibling);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && hash.equals(root);
}

interface Head {
  readonly size: number;
  readonly root: Hash;
}

/** Section 2.1.4.2, with the trees of equal size and the empty one that it leaves out. */
export function isConsistent(first: Head, second: Head, proof: readonly Hash[]): boolean {
  if (first.size > second.size) return false;
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root);
  if (first.size === 0) return proof.length === 0 && first.root.equals(emptyRoot);
  const [begin, ...rest] = isPowerOfTwo(first.size) ? [first.root, ...proof] : proof;
  if (begin === undefined) return false;
  let fn = first.size - 1;
  let sn = second.size - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let fr = begin;
  let sr = begin;
  for (const hash of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(hash, fr);
      sr = nodeHash(hash, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else sr = nodeHash(sr, hash);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && fr.equals(first.root) && sr.equals(second.root);
}
