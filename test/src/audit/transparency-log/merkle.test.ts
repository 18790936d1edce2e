import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { leafBytes } from '../../../../src/audit/transparency-log/leaf.ts';
import {
  consistencyProof,
  Frontier,
  type Hash,
  hashBytes,
  includes,
  inclusionProof,
  isConsistent,
  leafHash,
  type NodeAt,
  nodeHash,
  rootAt,
} from '../../../../src/audit/transparency-log/merkle.ts';
import { merkleTree } from '../../../../src/audit/transparency-log/tree.ts';
import { positionOf, type StoredEvent } from '../../../../src/store/event-store.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('merkle');

/** The definition of RFC 9162, section 2.1.1, as it stands there. */
function definedRoot(leaves: readonly Buffer[]): Hash {
  const [only] = leaves;
  if (only === undefined) return new Frontier().root();
  if (leaves.length === 1) return leafHash(only);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)));
}

function grown(leaves: readonly Buffer[]): { frontier: Frontier; nodeAt: NodeAt } {
  const frontier = new Frontier();
  const nodes = new Map<string, Hash>();
  for (const leaf of leaves) {
    const completed = frontier.add(leafHash(leaf));
    for (let level = 0; level < completed.length / hashBytes; level++)
      nodes.set(
        `${level}:${Math.floor((frontier.size - 1) / 2 ** level)}`,
        completed.subarray(level * hashBytes, (level + 1) * hashBytes),
      );
  }
  return { frontier, nodeAt: (level, index) => nodes.get(`${level}:${index}`) as Hash };
}

/** The eight leaves, roots and paths that the implementations of RFC 6962 are tested with. */
const leaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'));
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const hex = (hashes: readonly Hash[]) => hashes.map((hash) => hash.toString('hex'));
const [n00, n12, n20, n31, n40, n45] = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
  '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
];
const n01 = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';

test('the roots are those of the published vectors', () => {
  for (const [size, root] of roots.entries()) {
    const { frontier, nodeAt } = grown(leaves.slice(0, size));
    assert.is(frontier.root().toString('hex'), root, `of ${size}`);
    assert.is(rootAt(nodeAt, size).toString('hex'), root);
    assert.is(definedRoot(leaves.slice(0, size)).toString('hex'), root);
  }
});

test('the inclusion proofs are those of the published vectors', () => {
  const { nodeAt } = grown(leaves);
  assert.equal(hex(inclusionProof(nodeAt, 0, 1)), []);
  assert.equal(hex(inclusionProof(nodeAt, 0, 8)), [n01, n12, n40]);
  assert.equal(hex(inclusionProof(nodeAt, 5, 8)), [n45, n31, n20]);
  assert.equal(hex(inclusionProof(nodeAt, 2, 3)), [roots[2]]);
  assert.equal(hex(inclusionProof(nodeAt, 1, 5)), [n00, n12, n45]);
});

test('the consistency proofs are those of the published vectors', () => {
  const { nodeAt } = grown(leaves);
  assert.equal(hex(consistencyProof(nodeAt, 1, 1)), []);
  assert.equal(hex(consistencyProof(nodeAt, 1, 8)), [n01, n12, n40]);
  assert.equal(hex(consistencyProof(nodeAt, 6, 8)), [
    '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
    n31,
    n20,
  ]);
  assert.equal(hex(consistencyProof(nodeAt, 2, 5)), [n12, n45]);
});

const someLeaves = fc.array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 40 });
const asBuffers = (given: readonly Uint8Array[]): Buffer[] =>
  given.map((leaf) => Buffer.from(leaf));

test('every proof verifies, for no other leaf, size or place', () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), fc.nat(), fc.nat(), (given, a, b, c) => {
      const all = asBuffers(given);
      const { nodeAt } = grown(all);
      const size = 1 + (a % all.length);
      const index = b % size;
      const root = rootAt(nodeAt, size);
      const leaf = leafHash(all[index] as Buffer);
      const proof = inclusionProof(nodeAt, index, size);
      assert.ok(includes({ index, size, leaf, root }, proof));
      const another = leafHash(Buffer.concat([all[index] as Buffer, Buffer.of(1)]));
      assert.not.ok(includes({ index, size, leaf: another, root }, proof));
      assert.not.ok(includes({ index, size, leaf, root: leafHash(root) }, proof));
      assert.not.ok(includes({ index, size, leaf, root }, [...proof, root]));
      assert.not.ok(includes({ index: size, size, leaf, root }, proof));
      if (proof.length > 0) {
        assert.not.ok(includes({ index, size, leaf, root }, proof.slice(1)));
        const changed = proof.with(c % proof.length, leafHash(root));
        assert.not.ok(includes({ index, size, leaf, root }, changed));
      }

      const from = 1 + (c % size);
      const first = { size: from, root: rootAt(nodeAt, from) };
      const second = { size, root };
      const grows = consistencyProof(nodeAt, from, size);
      assert.ok(isConsistent(first, second, grows));
      assert.not.ok(isConsistent({ ...first, root: leafHash(root) }, second, grows));
      assert.not.ok(isConsistent(first, { ...second, root: leafHash(root) }, grows));
      assert.not.ok(isConsistent(first, second, [...grows, root]));
      if (grows.length > 0)
        assert.not.ok(isConsistent(first, second, grows.with(b % grows.length, leafHash(root))));
      if (from < size) assert.not.ok(isConsistent(second, first, grows));
    }),
  );
});

test('a changed byte, a dropped and a swapped leaf give another root', () => {
  fc.assert(
    fc.property(someLeaves, fc.nat(), fc.nat(), (given, a, b) => {
      const all = asBuffers(given);
      const root = definedRoot(all);
      assert.equal(grown(all).frontier.root(), root);
      const at = a % all.length;
      const other = b % all.length;
      const leaf = all[at] as Buffer;
      const changed = Buffer.concat([leaf, Buffer.of(0)]);
      assert.not.equal(grown(all.with(at, changed)).frontier.root(), root);
      assert.not.equal(grown(all.toSpliced(at, 1)).frontier.root(), root);
      const swapped = all.with(at, all[other] as Buffer).with(other, leaf);
      if (!leaf.equals(all[other] as Buffer))
        assert.not.equal(grown(swapped).frontier.root(), root);
    }),
  );
});

const stored = (index: number, at = `2026-01-01T00:00:${String(index).padStart(2, '0')}.000Z`) =>
  ({
    stream: 'client-press-1',
    revision: index,
    position: positionOf(index + 1),
    eventId: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    type: 'Happened',
    data: { at, zebra: 1, apple: 'ä' },
    metadata: { correlationId: 'c', causationId: null },
  }) satisfies StoredEvent;

test('a leaf is the canonical text of the event as stored', () => {
  assert.is(
    leafBytes(stored(7)).toString(),
    '{"data":{"apple":"ä","at":"2026-01-01T00:00:07.000Z","zebra":1},' +
      '"eventId":"00000000-0000-4000-8000-000000000007",' +
      '"metadata":{"causationId":null,"correlationId":"c"},' +
      '"revision":7,"stream":"client-press-1","type":"Happened"}',
  );
});

test('the kept tree proves from its rows alone, and goes on where they end', () => {
  const database = new DatabaseSync(':memory:');
  let tree = merkleTree.open(database);
  const all: Buffer[] = [];
  for (let index = 0; index < 50; index++) {
    // As after a restart, and after a transaction that was undone.
    if (index % 7 === 0) tree = merkleTree.open(database);
    if (index % 11 === 0) {
      database.exec('BEGIN');
      tree.take(stored(index), index);
      // Some of them before it was written, too.
      if (index % 2 === 0) tree.flush();
      database.exec('ROLLBACK');
      tree.abandon();
    }
    tree.take(stored(index), index);
    tree.flush();
    all.push(leafBytes(stored(index)));
    assert.equal(tree.root(), definedRoot(all));
  }
  for (let size = 1; size <= 50; size++) {
    const root = tree.rootAt(size);
    assert.equal(root, definedRoot(all.slice(0, size)));
    for (let index = 0; index < size; index++)
      assert.ok(
        includes({ index, size, leaf: tree.leaf(index), root }, tree.inclusion(index, size)),
      );
    for (let from = 1; from <= size; from++)
      assert.ok(
        isConsistent(
          { size: from, root: tree.rootAt(from) },
          { size, root },
          tree.consistency(from, size),
        ),
      );
  }
  assert.throws(() => tree.take(stored(51), 51), /cannot take/);
  assert.throws(() => tree.leaf(50), /no node/);
  assert.is(tree.positionOf(49), positionOf(50));
  assert.is(tree.positionOf(50), undefined);
});

test('a moment is the longest prefix whose newest time is not later', () => {
  const tree = merkleTree.open(new DatabaseSync(':memory:'));
  const second = (seconds: number) => `2026-01-01T00:00:0${seconds}.000Z`;
  // The clock went back after the third event: what follows comes after it all the same.
  for (const [index, seconds] of [1, 2, 5, 3, 4, 6].entries())
    tree.take(stored(index, second(seconds)), index);
  tree.flush();
  const sizes = [0, 1, 2, 3, 4, 5, 6, 7].map((seconds) => tree.sizeAt(second(seconds)));
  assert.equal(sizes, [0, 1, 2, 2, 2, 5, 6, 6]);
});

test.run();
