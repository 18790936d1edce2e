/** The file of a backup: what was written is read, and nothing that was changed, cut off or made up. */
import { randomUUID } from 'node:crypto';
import { type PartName, packed } from '../../../src/backup/content.ts';
import { checkedBackup } from '../../../src/backup/encrypt.ts';
import { frameWriter } from '../../../src/backup/frames.ts';
import { type Unlock, unlockWith } from '../../../src/backup/passphrase.ts';
import { readBackup } from '../../../src/backup/read.ts';
import { BackupRefused } from '../../../src/backup/refused.ts';
import { backupOf } from '../../../src/backup/write.ts';
import {
  backupFrameBytesMax,
  backupPageEvents,
  backupTextBytesMax,
} from '../../../src/limits/operating.ts';
import { type EventStore, noStream } from '../../../src/store/event-store.ts';
import {
  backupBytes,
  bytesOf,
  chunksOf,
  smallLog,
  sourceOf,
  takenAt,
} from '../../support/backups.ts';
import { newEvent, wholeLog } from '../../support/stored-events.ts';
import { assert, suite } from '../../support/suite.ts';

const test = suite('backup format');
const store = await smallLog(60);
const plain = await backupBytes(store);
const passphrase = 'five words nobody ever guesses';
const encrypted = await bytesOf(checkedBackup(chunksOf(plain), passphrase));
const unlocked = new Map<string, Promise<Buffer | null>>();
/** A slow hash for each of a thousand tries would take minutes. */
const unlock: Unlock = async (encryption) => {
  if (encryption === null) return null;
  const known =
    unlocked.get(JSON.stringify(encryption)) ??
    (unlocked.size === 0
      ? unlockWith(passphrase)(encryption)
      : Promise.reject(new BackupRefused('passphrase-wrong', 'another salt')));
  unlocked.set(JSON.stringify(encryption), known);
  return known;
};

async function linesOf(bytes: Uint8Array, chunkBytes?: number) {
  const lines: Record<PartName, string[]> = { log: [], vault: [], checkpoints: [], keys: [] };
  const read = await readBackup(chunksOf(bytes, chunkBytes), unlock, (part, line) => {
    lines[part].push(line);
  });
  return { ...read, lines };
}

/** Why it is refused; null: it is not. Anything else that is thrown fails the test. */
async function refusalOf(bytes: Uint8Array): Promise<string | null> {
  try {
    await linesOf(bytes, 50_000);
    return null;
  } catch (error) {
    if (error instanceof BackupRefused) return error.reason;
    throw error;
  }
}

for (const [name, bytes] of [
  ['plain', plain],
  ['encrypted', encrypted],
] as const)
  test(`what was written is read: ${name}`, async () => {
    const { header, end, lines } = await linesOf(bytes, 77);
    assert.is(header.takenAt, takenAt);
    assert.is(end.events, 60);
    const events = (await wholeLog(store)).map(({ position: _, ...event }) => event);
    assert.equal(
      lines.log.map((line) => JSON.parse(line)),
      events,
    );
    // A deleted secret is not in it; that it was deleted is.
    assert.is(lines.vault.filter((line) => line.includes('"kept"')).length, 48);
    assert.is(lines.vault.filter((line) => line.includes('"deleted"')).length, 12);
    assert.equal(lines.checkpoints, ['"gatebook/1"', '"0"', '""']);
    assert.equal(lines.keys, ['{"name":"pepper.key","text":"salt\\n"}']);
  });

test('an encrypted one shows nothing of what is in it', () => {
  for (const word of ['client-press', 'pepper', 'verifier', 'gatebook/1'])
    assert.not.ok(encrypted.includes(word), word);
});

test('the passphrase is asked for, and a wrong one is told from damage', async () => {
  const tried = async (given: string | null) =>
    readBackup(chunksOf(encrypted), unlockWith(given), () => undefined).catch(
      (error: BackupRefused) => error.reason,
    );
  assert.is(await tried(null), 'passphrase-missing');
  assert.is(await tried('five words nobody ever guessed'), 'passphrase-wrong');
});

test('a passphrase typed in another normal form is the same', async () => {
  const bytes = await bytesOf(checkedBackup(chunksOf(plain), 'Grüße'.normalize('NFD')));
  const { end } = await readBackup(
    chunksOf(bytes),
    unlockWith('Grüße'.normalize('NFC')),
    () => undefined,
  );
  assert.is(end.events, 60);
});

/** Where each frame begins, the last one too. */
function framesOf(bytes: Buffer): number[] {
  let at = bytes.indexOf('\n', bytes.indexOf('\n') + 1) + 1;
  const starts: number[] = [];
  while (at < bytes.length) {
    starts.push(at);
    at += 4 + (bytes.readUInt32BE(at) & 0x7fffffff) + 16;
  }
  return starts;
}

for (const [name, bytes] of [
  ['plain', plain],
  ['encrypted', encrypted],
] as const) {
  test(`a bit turned in the head, a length, a content or a tag is found: ${name}`, async () => {
    const starts = framesOf(bytes);
    assert.is(starts.length, 5, 'log, vault, checkpoints, keys and the end');
    const ends = [...starts.slice(1), bytes.length];
    const places = [
      ...[0, 9, 17, 25, bytes.indexOf('\n', 20) - 3],
      ...starts.flatMap((start, at) => [start, start + 3, start + 9, (ends[at] ?? 0) - 1]),
    ];
    for (const place of places)
      for (const bit of [0, 5, 7]) {
        const turned = Buffer.from(bytes);
        turned[place] = (turned[place] ?? 0) ^ (1 << bit);
        assert.is.not(await refusalOf(turned), null, `bit ${bit} of byte ${place}`);
      }
  });

  test(`one that is cut off anywhere is refused: ${name}`, async () => {
    for (const start of framesOf(bytes))
      for (const at of [start, start + 2, start + 10])
        assert.is(await refusalOf(bytes.subarray(0, at)), 'cut', `after ${at} bytes`);
    for (const at of [30, 60]) assert.is(await refusalOf(bytes.subarray(0, at)), 'cut');
    for (const at of [0, 5, 16]) assert.is(await refusalOf(bytes.subarray(0, at)), 'foreign');
  });

  test(`frames that are left out, repeated, swapped or added are found: ${name}`, async () => {
    const starts = framesOf(bytes);
    const head = bytes.subarray(0, starts[0]);
    const frames = starts.map((start, at) => bytes.subarray(start, starts[at + 1]));
    const [a, b, c, d, e] = frames as [Buffer, Buffer, Buffer, Buffer, Buffer];
    for (const others of [
      [a, b, c, e],
      [b, a, c, d, e],
      [a, a, b, c, d, e],
      [a, b, c, d],
      [a, b, c, d, e, e],
      [e],
      [a, b, c, d, e, Buffer.from('!')],
    ])
      assert.is.not(await refusalOf(Buffer.concat([head, ...others])), null);
    assert.is(await refusalOf(Buffer.concat([head, ...frames])), null);
  });
}

test('the frames of one encrypted backup do not fit into another', async () => {
  const other = await bytesOf(checkedBackup(chunksOf(plain), 'another passphrase'));
  const [, second = 0] = framesOf(encrypted);
  const mixed = Buffer.concat([encrypted.subarray(0, second), other.subarray(second)]);
  assert.is(await refusalOf(mixed), 'damaged');
});

test('what is no backup, and one of a newer Gatebook, is told in words', async () => {
  assert.is(await refusalOf(Buffer.from('SQLite format 3\0')), 'foreign');
  assert.is(await refusalOf(Buffer.alloc(100_000)), 'foreign');
  const newer = Buffer.from(plain);
  newer[16] = '2'.charCodeAt(0);
  assert.is(await refusalOf(newer), 'newer');
});

test('one that was made up is held to its limits, before memory is taken for it', async () => {
  const made = (content: Buffer, isLast = false) => {
    const writer = frameWriter({ takenAt, gatebook: '0.1.0', encryption: null }, null);
    return Buffer.concat([writer.head, writer.frame(content, isLast)]);
  };
  const long = made(Buffer.from('x'));
  long.writeUInt32BE(backupFrameBytesMax + 1, framesOf(long)[0] ?? 0);
  assert.is(await refusalOf(long), 'damaged');
  const bomb = made(await packed('log', `${'0'.repeat(backupTextBytesMax)}\n`));
  assert.is(await refusalOf(bomb), 'damaged');
  assert.is(await refusalOf(made(await packed('log', 'half a line'))), 'damaged');
  assert.is(await refusalOf(made(await packed('else' as 'log', 'a\n'))), 'damaged');
  assert.is(await refusalOf(made(await packed('log', 'a\n'), true)), 'damaged');
  assert.is(await refusalOf(made(await packed('end', '{}\n'), true)), 'damaged');
  assert.is(await refusalOf(made(await packed('end', '{}\n'))), 'damaged');
});

test('whoever changes the log and writes all digests anew has another root', async () => {
  const other = await smallLog(60);
  const rootHash = Buffer.alloc(32).toString('base64');
  const forged = await backupBytes(other, {
    ending: async () => ({
      ...{ checkpoint: null, endedAt: takenAt, rootHash },
      readModels: { position: '0'.repeat(20), events: 0, models: [] },
    }),
  });
  assert.is(await refusalOf(forged), 'damaged');
});

test('what is rotated while it is taken: the newest secret that an event names is in it, those before are not', async () => {
  const turning = await smallLog(150);
  let revision = -1;
  let kept: string | null = null;
  const rotate = async () => {
    const secret = `vault-${randomUUID()}`;
    await turning.append(
      'client-turning',
      revision,
      [newEvent({ secret })],
      [{ stream: secret, event: newEvent({ verifier: secret }) }],
    );
    revision += 1;
    if (kept !== null) await turning.deleteStream(kept);
    kept = secret;
  };
  const all: Buffer[] = [];
  await rotate();
  const read = turning.readAll;
  const busy: EventStore = {
    ...turning,
    async readAll(after, limit) {
      // Also between two reads, as with a server.
      if (revision < 40) await rotate();
      return read(after, limit);
    },
    async readVault(after, limit) {
      if (revision < 40) await rotate();
      return turning.readVault(after, limit);
    },
  };
  for await (const chunk of backupOf(sourceOf(busy))) {
    all.push(chunk);
    await rotate();
  }
  const { lines } = await linesOf(Buffer.concat(all));
  const named = lines.log
    .map((line) => JSON.parse(line))
    .filter(({ stream }) => stream === 'client-turning')
    .map(({ data }) => data.secret as string);
  const held = new Set<string>();
  for (const line of lines.vault) {
    const { kind, stream, event } = JSON.parse(line);
    if (kind === 'kept') held.add(event.stream);
    else held.delete(stream);
  }
  assert.ok(named.length > 5);
  assert.ok(held.has(named.at(-1) ?? ''), 'the one that opens');
  for (const secret of named.slice(0, -1)) assert.not.ok(held.has(secret));
});

test('it ends while devices register faster than a page is read in a turn, with the secrets of its events', async () => {
  const flooded = await smallLog(300);
  const most = 6_000;
  let registered = 0;
  let isComing = false;
  const register = async () => {
    isComing = false;
    for (let left = 2 * backupPageEvents; left > 0 && registered < most; left--) {
      const secret = `vault-${randomUUID()}`;
      await flooded.append(
        `client-${registered++}`,
        noStream,
        [newEvent({ secret })],
        [{ stream: secret, event: newEvent({ verifier: secret }) }],
      );
    }
  };
  /** With a log in this process nothing comes while a turn lasts. */
  const come = () => {
    if (!isComing) setImmediate(register);
    isComing = true;
  };
  const store: EventStore = {
    ...flooded,
    async readAll(after, limit) {
      come();
      return flooded.readAll(after, limit);
    },
    async readVault(after, limit) {
      come();
      return flooded.readVault(after, limit);
    },
  };
  const { end, lines } = await linesOf(await bytesOf(backupOf(sourceOf(store))));
  assert.ok(registered < most, 'it ended before they did');
  assert.ok(end.events > 300);
  const named = lines.log
    .map((line) => JSON.parse(line))
    .filter(({ revision, data }) => revision === 0 && data.number === undefined)
    .map(({ data }) => data.secret as string);
  assert.is(named.length, end.events - 300);
  const held = new Set(lines.vault.map((line) => JSON.parse(line).event?.stream));
  for (const secret of named) assert.ok(held.has(secret));
});

const count = Number(process.env.FUZZ_COUNT ?? 2_000);

test(`${count} backups with something wrong in them are refused, and none is taken`, async () => {
  let seed = Number(process.env.FUZZ_SEED ?? 16);
  const chance = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  for (let number = 0; number < count; number++) {
    const from = number % 2 === 0 ? plain : encrypted;
    const began = seed;
    let bytes = Buffer.from(from);
    const at = chance(from.length);
    switch (chance(5)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 + chance(255));
        break;
      case 1:
        bytes = bytes.subarray(0, at);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance(40))]);
        break;
      case 3:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([chance(256)]),
          bytes.subarray(at),
        ]);
        break;
      default:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(chance(from.length))]);
    }
    if (bytes.equals(from)) continue;
    assert.is.not(await refusalOf(bytes), null, `seed ${began}, number ${number}`);
  }
});

test('what it is read from is let go where nobody reads on, and where it is refused', async () => {
  let isOpen = false;
  async function* source(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    isOpen = true;
    try {
      yield* chunksOf(bytes);
    } finally {
      isOpen = false;
    }
  }
  for (const chunksRead of [1, 2]) {
    let read = 0;
    for await (const _chunk of checkedBackup(source(plain), null)) {
      read += 1;
      if (read === chunksRead) break;
    }
    assert.equal([read, isOpen], [chunksRead, false]);
  }
  const foreign = Buffer.concat([Buffer.from('something else\n'), plain]);
  for (const bytes of [foreign, encrypted]) {
    await bytesOf(checkedBackup(source(bytes), null)).catch((error) =>
      assert.instance(error, BackupRefused),
    );
    assert.is(isOpen, false);
  }
  const full = () => {
    throw new Error('nothing more is taken');
  };
  await readBackup(source(plain), unlock, full).catch(() => undefined);
  assert.is(isOpen, false);
});

test.run();
