/** Reads a backup from its first byte to its last, each frame once it is proven to be what was written. */
import { Frontier, leafHashOfText } from '../audit/transparency-log/merkle.ts';
import { BackupEnd, type PartName, partDigests, partNames, unpacked } from './content.ts';
import { type BackupHeader, openFrames } from './frames.ts';
import type { Unlock } from './passphrase.ts';
import { damaged } from './refused.ts';

export interface ReadBackup {
  readonly header: BackupHeader;
  readonly end: BackupEnd;
}

/**
 * @param take each line in its order; what it throws ends the reading
 * @throws BackupRefused
 */
export async function readBackup(
  chunks: AsyncIterable<Uint8Array>,
  unlock: Unlock,
  take: (part: PartName, line: string) => Promise<void> | void,
): Promise<ReadBackup> {
  await using backup = await openFrames(chunks, unlock);
  const { header, frames } = backup;
  const digests = partDigests();
  const tree = new Frontier();
  let end: BackupEnd | undefined;
  for await (const { content, isLast } of frames) {
    const { part, lines } = await unpacked(content);
    if ((part === 'end') !== isLast) throw damaged('its last frame is not its end');
    if (part === 'end') {
      end = endIn(lines);
      continue;
    }
    const all = lines.slice(0, -1).split('\n');
    digests.add(part, lines, all.length);
    for (const line of all) {
      if (part === 'log') tree.add(leafHashOfText(line));
      const taken = take(part, line);
      if (taken !== undefined) await taken;
    }
  }
  if (end === undefined) throw damaged('it has no end');
  requireWhole(end, digests.ends(), tree);
  return { header, end };
}

function endIn(line: string): BackupEnd {
  try {
    return BackupEnd.parse(JSON.parse(line));
  } catch {
    throw damaged('its end cannot be read');
  }
}

/** @throws BackupRefused */
function requireWhole(end: BackupEnd, found: BackupEnd['parts'], tree: Frontier): void {
  for (const name of partNames) {
    const [said, read] = [end.parts, found].map((parts) => parts.find((one) => one.name === name));
    if (said?.sha256 !== read?.sha256 || said?.lines !== read?.lines)
      throw damaged(`its part ${name} is not the one that was written`);
  }
  if (tree.size !== end.events || tree.root().toString('base64') !== end.rootHash)
    throw damaged('its events do not have the root that was written');
}
