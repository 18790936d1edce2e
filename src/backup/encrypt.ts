/** Encrypts a backup on its way into a file: each frame as it comes, once it is proven to be what was sent. */
import { frameWriter, openFrames } from './frames.ts';
import { lockWith, unlockWith } from './passphrase.ts';
import { BackupRefused } from './refused.ts';

/**
 * The same backup, checked up to its last frame; encrypted where there is a passphrase.
 * @throws BackupRefused where it is none, was changed on its way, or breaks off
 */
export async function* checkedBackup(
  chunks: AsyncIterable<Uint8Array>,
  passphrase: string | null,
): AsyncGenerator<Buffer, void, void> {
  await using backup = await openFrames(chunks, unlockWith(null));
  const { header, frames } = backup;
  if (header.encryption !== null)
    throw new BackupRefused('passphrase-missing', 'it is encrypted already');
  const locked = passphrase === null ? null : await lockWith(passphrase);
  const writer = frameWriter(
    { ...header, encryption: locked?.encryption ?? null },
    locked?.key ?? null,
  );
  yield writer.head;
  for await (const { content, isLast } of frames) yield writer.frame(content, isLast);
}
