/** Files that people bring along, nearly right: exports, checkpoints, backups, rules. Refused in words, never taken for whole. */
import { generateKeyPairSync } from 'node:crypto';
import { canonicalJson } from '../../../src/audit/transparency-log/canonical-json.ts';
import { checkpointsIn, checkpointText } from '../../../src/audit/transparency-log/checkpoint.ts';
import { Frontier, leafHash } from '../../../src/audit/transparency-log/merkle.ts';
import type { Line } from '../../../src/audit/transparency-log/ndjson.ts';
import {
  isSignedBy,
  MalformedNote,
  signerOf,
} from '../../../src/audit/transparency-log/signed-note.ts';
import { verifyExport } from '../../../src/audit/transparency-log/verify.ts';
import { unlockWith } from '../../../src/backup/passphrase.ts';
import { readBackup } from '../../../src/backup/read.ts';
import { BackupRefused } from '../../../src/backup/refused.ts';
import { readNamedCsr } from '../../../src/credentials/certificates/csr.ts';
import { csvRecords } from '../../../src/http/request/csv.ts';
import { Problem } from '../../../src/http/response/problem.ts';
import { backupBytes, chunksOf, smallLog } from '../../support/backups.ts';
import { csrDer } from '../../support/csr.ts';
import type { Chance } from '../../trials/random.ts';
import type { Given, Told, Trial } from '../../trials/trial.ts';
import { mutatedBytes } from '../mutate.ts';

const inputsWhole = 400_000;
const recordBytesMax = 64 * 1024;

type Case = (chance: Chance) => Promise<string | undefined>;

async function exportCase(): Promise<Case> {
  const texts = Array.from({ length: 20 }, (_, index) =>
    canonicalJson({
      ...{ eventId: `id-${index}`, type: 'Happened', stream: 'client-press', revision: index },
      ...{ data: { n: index }, metadata: {} },
    }),
  );
  const frontier = new Frontier();
  for (const text of texts) frontier.add(leafHash(Buffer.from(text)));
  const checkpoints = [{ origin: 'log', size: texts.length, root: frontier.root() }];
  const whole = Buffer.from(`${texts.join('\n')}\n`);
  async function* lines(bytes: Buffer): AsyncGenerator<Line> {
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield { bytes: bytes.subarray(from, end), isWhole: true };
      from = end + 1;
    }
    if (from < bytes.length) yield { bytes: bytes.subarray(from), isWhole: false };
  }
  return async (chance) => {
    const bytes = mutatedBytes(chance, whole);
    const { fitting, misfit } = await verifyExport({ lines: lines(bytes), checkpoints });
    const isTaken = misfit === null && fitting.includes(texts.length);
    // What comes after the checkpoint is not proven by it.
    return isTaken && !bytes.subarray(0, whole.length).equals(whole)
      ? `an export that was changed fits: ${bytes.toString('latin1').slice(0, 200)}`
      : undefined;
  };
}

async function noteCase(): Promise<Case> {
  const signer = signerOf('gatebook.example', Buffer.alloc(32, 7));
  const text = checkpointText({ origin: 'gatebook.example', size: 12, root: Buffer.alloc(32, 9) });
  const note = Buffer.from(signer.sign(text));
  return async (chance) => {
    const bytes = mutatedBytes(chance, note);
    try {
      for (const { note: read } of checkpointsIn(bytes.toString()))
        if (isSignedBy(read, signer) && read.text !== text)
          return `another text has the signature: ${read.text}`;
    } catch (error) {
      if (!(error instanceof MalformedNote)) return String((error as Error).stack);
    }
    return undefined;
  };
}

async function backupCase(): Promise<Case> {
  const whole = await backupBytes(await smallLog(20));
  return async (chance) => {
    const bytes = mutatedBytes(chance, whole);
    try {
      await readBackup(chunksOf(bytes, 10_000), unlockWith('never asked for'), () => undefined);
      return bytes.equals(whole) ? undefined : 'a backup that was changed is read';
    } catch (error) {
      return error instanceof BackupRefused ? undefined : String((error as Error).stack);
    }
  };
}

async function csvCase(): Promise<Case> {
  const whole = Buffer.from(
    '\ufeffusernamePattern,note,until,permissions\r\npress-*,"a ""quoted""\r\nnote",2999-01-01T00:00:00.000Z,mqtt:read:plant/#\r\n',
  );
  return async (chance) => {
    try {
      for await (const { line } of csvRecords(
        mutatedBytes(chance, whole),
        undefined,
        recordBytesMax,
      ))
        if (line < 1) return `a record of line ${line}`;
    } catch (error) {
      if (!(error instanceof Problem)) return String((error as Error).stack);
    }
    return undefined;
  };
}

/** A CSR whose signature is right has a key that somebody holds; one that was changed is refused in words. */
async function csrCase(): Promise<Case> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const whole = csrDer({ username: 'press-17', ...keys });
  return async (chance) => {
    const bytes = mutatedBytes(chance, whole);
    try {
      const { fault } = readNamedCsr(bytes.toString('base64'));
      // What DER allows to be written in two ways is no change; a name or a key is.
      return fault === null && !bytes.equals(whole) && bytes.length === whole.length
        ? `a CSR that was changed is taken: ${bytes.toString('hex')}`
        : undefined;
    } catch (error) {
      return String((error as Error).stack);
    }
  };
}

async function run({ chance, share }: Given): Promise<Told> {
  const inputs = Math.max(400, Math.round(inputsWhole * share));
  const violations: string[] = [];
  const cases = await Promise.all([
    ...[exportCase(), noteCase(), backupCase(), csvCase()],
    csrCase(),
  ]);
  for (let input = 0; input < inputs && violations.length < 20; input++) {
    const violation = await (cases[input % cases.length] as Case)(chance);
    if (violation !== undefined) violations.push(violation);
  }
  return {
    rounds: inputs,
    figures: 'exports (NDJSON), checkpoints, backups, CSV, CSRs (DER) in turn',
    violations,
  };
}

export const files: Trial = {
  name: 'files',
  title: 'fuzzed exports, notes, backups, CSV, DER',
  run,
};
