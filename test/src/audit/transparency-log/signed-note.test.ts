import {
  checkpointsIn,
  checkpointText,
  joined,
  parseCheckpoint,
} from '../../../../src/audit/transparency-log/checkpoint.ts';
import { emptyRoot, leafHash } from '../../../../src/audit/transparency-log/merkle.ts';
import {
  isSignedBy,
  noteOf,
  signerOf,
  verifierOf,
} from '../../../../src/audit/transparency-log/signed-note.ts';
import { assert, suite } from '../../../support/suite.ts';

const test = suite('signed notes');

/** The published example of the signed-note implementation that Go's checksum database uses. */
const text =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const verifierKey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const note = `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

test('the published note is signed by the published key, and by no other', () => {
  const peter = verifierOf(verifierKey);
  assert.is(peter.text, verifierKey);
  assert.ok(isSignedBy(noteOf(note), peter));
  assert.is(noteOf(note).text, text);
  const enoch = signerOf('PeterNeumann', Buffer.alloc(32, 7));
  assert.not.ok(isSignedBy(noteOf(note), enoch));
  assert.not.ok(isSignedBy(noteOf(note.replace('answer', 'anewer')), peter));
  assert.not.ok(isSignedBy(noteOf(note.replace('x08go/ZJ', 'x08go/ZK')), peter));
});

test('signing the published text gives the published note', () => {
  const peter = signerOf('PeterNeumann', seed);
  assert.is(peter.text, verifierKey);
  assert.is(peter.sign(text), note);
});

test('signatures of others stand beside it', () => {
  const peter = verifierOf(verifierKey);
  const witness = signerOf('witness.example/1', Buffer.alloc(32, 1));
  const cosigned = `${note}${witness.signatureLine(text)}\n`;
  assert.ok(isSignedBy(noteOf(cosigned), peter));
  assert.ok(isSignedBy(noteOf(cosigned), witness));
  assert.not.ok(isSignedBy(noteOf(note), witness));
});

test('what is no note or key is refused', () => {
  for (const given of [
    '',
    text,
    `${text}\n`,
    `${text}\nsigned: me\n`,
    note.slice(0, -1),
    note.replace('\n', '\r\n'),
    note.replace('\n', '\0\n'),
  ])
    assert.throws(
      () => noteOf(given),
      ({ name }: Error) => name === 'MalformedNote',
    );
  for (const given of ['', 'a+b+c', verifierKey.replace('c74f', 'c74e'), `x${verifierKey}`])
    assert.throws(
      () => verifierOf(given),
      ({ name }: Error) => name === 'MalformedNote',
    );
  for (const name of ['a b', 'a\u0085b', 'a+b', ''])
    assert.throws(() => signerOf(name, seed), /name/, JSON.stringify(name));
  assert.throws(() => signerOf('a', seed).sign('no newline'), /newline/);
});

test('a checkpoint is three lines, and comes back as it was', () => {
  const checkpoint = { origin: 'gatebook/log', size: 3, root: leafHash(Buffer.of(1)) };
  const written = checkpointText(checkpoint);
  assert.is(written, `gatebook/log\n3\n${checkpoint.root.toString('base64')}\n`);
  assert.equal(parseCheckpoint(written), checkpoint);
  assert.equal(parseCheckpoint(`${written}an extension\n`), checkpoint);
  for (const broken of [
    '',
    'x\n',
    'x\n03\nAA==\n',
    written.slice(0, -1),
    written.replace('3', '-3'),
  ])
    assert.throws(() => parseCheckpoint(broken), /no checkpoint/);
});

test('a file holds one checkpoint after another; one cut off at its end is left out', () => {
  const signer = signerOf('gatebook/log', seed);
  const noted = (size: number) =>
    signer.sign(checkpointText({ origin: 'gatebook/log', size, root: emptyRoot }));
  const file = [1, 2, 3].map((size) => joined(noted(size))).join('');
  assert.equal(
    checkpointsIn(file).map(({ size }) => size),
    [1, 2, 3],
  );
  assert.ok(checkpointsIn(file).every((checkpoint) => isSignedBy(checkpoint.note, signer)));
  assert.is(checkpointsIn(noted(9))[0]?.size, 9);
  assert.is(checkpointsIn(file + noted(4).slice(0, 30)).length, 3);
  assert.throws(() => checkpointsIn(''), /no checkpoint/);
  assert.throws(() => checkpointsIn('hello\n'), /note/);
});

test.run();
