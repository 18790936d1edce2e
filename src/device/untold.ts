/** A mark beside a device's files while nobody was told of what is new in them: a crash in between loses no telling. */
import { access, unlink } from 'node:fs/promises';
import { writePrivateFile } from '../platform/private-file.ts';
import { codeOf, RegistrationFileError } from './file.ts';
import type { Granted, RegisterOptions } from './registration.ts';

const markOf = ({ file, certificate }: RegisterOptions): string =>
  `${certificate?.certificateFile ?? file}.untold`;

/** Before what is new is written. @throws RegistrationFileError */
export async function markUntold(options: RegisterOptions): Promise<void> {
  if (options.onNew === undefined) return;
  const mark = markOf(options);
  try {
    await writePrivateFile(mark, '');
  } catch (error) {
    throw new RegistrationFileError(`${mark} cannot be written (${codeOf(error)}).`);
  }
}

/** Tells of what is new; the mark goes when that went well. @throws what `onNew` throws; RegistrationFileError */
export async function tellOfNew(options: RegisterOptions, result: Granted): Promise<void> {
  if (options.onNew === undefined) return;
  const mark = markOf(options);
  try {
    await access(mark);
  } catch {
    return;
  }
  await options.onNew(result);
  await unlink(mark).catch((error) => {
    throw new RegistrationFileError(`${mark} cannot be removed (${codeOf(error)}).`);
  });
}
