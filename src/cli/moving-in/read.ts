/** The files of an import: which kind each is, and what they say together. */
import { readFile, stat } from 'node:fs/promises';
import { importFileBytesMax } from '../../limits/operating.ts';
import { CommandFailed, exitCodes, usageFault } from '../command.ts';
import { fileFault } from '../fault.ts';
import { aclFileIn } from './acl-file.ts';
import { type ConnectwareOptions, connectwareIn } from './connectware.ts';
import { dynsecIn } from './dynsec.ts';
import { type MovingIn, type SaidByFile, together } from './found.ts';
import { passwordFileIn } from './password-file.ts';

type ReadsFile = (file: string, text: string, options: ConnectwareOptions) => SaidByFile;

/** By its first line that says something. */
function readerOf(file: string, text: string): ReadsFile {
  if (/^\s*\{/.test(text)) return dynsecIn;
  if (/^\s*type:\s*['"]?Cybus::/m.test(text)) return connectwareIn;
  const [line = ''] = text.split('\n').filter((one) => !/^\s*(#|$)/.test(one));
  if (/^\s*(user|topic|pattern)\s+\S/.test(line)) return aclFileIn;
  if (/^[^\s:]+:\S/.test(line)) return passwordFileIn;
  throw new CommandFailed(exitCodes.usage, `${file} is of no kind that is known here.`, [
    'Known: a service commissioning file of Connectware, dynamic-security.json, a password file and an acl file of Mosquitto.',
  ]);
}

async function textOf(file: string): Promise<string> {
  const { size } = await stat(file).catch(fileFault);
  if (size > importFileBytesMax)
    throw usageFault(
      `${file} has more than ${importFileBytesMax.toLocaleString('en')} bytes: split it.`,
    );
  return await readFile(file, 'utf8').catch(fileFault);
}

/** @throws CommandFailed */
export async function readFiles(
  files: readonly string[],
  options: ConnectwareOptions,
): Promise<MovingIn> {
  const found: SaidByFile[] = [];
  for (const file of files) {
    const text = await textOf(file);
    found.push(readerOf(file, text)(file, text, options));
  }
  return together(found);
}
