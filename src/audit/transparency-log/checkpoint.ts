/** Checkpoints (c2sp.org/tlog-checkpoint): the log's size and root, as the text of a signed note. */
import type { Hash } from './merkle.ts';
import { MalformedNote, type Note, noteOf } from './signed-note.ts';

export interface Checkpoint {
  /** Which log: the name of the key, too. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

/** Reads the text of a checkpoint; extension lines are passed over. @throws MalformedNote */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', encoded = ''] = text.split('\n');
  const root = Buffer.from(encoded, 'base64');
  if (
    origin === '' ||
    !/^(?:0|[1-9]\d{0,14})$/.test(size) ||
    root.length !== 32 ||
    root.toString('base64') !== encoded ||
    !text.endsWith('\n')
  )
    throw new MalformedNote('this is no checkpoint: origin, size and root, a line each');
  return { origin, size: Number(size), root };
}

export interface NotedCheckpoint extends Checkpoint {
  readonly note: Note;
  /** The whole note, as it was read. */
  readonly written: string;
}

/** One note after another, as `checkpoints.txt` holds them: an empty line ends each. */
export const joined = (note: string): string => `${note}\n`;

/** Every checkpoint of a text that holds one note or many. @throws MalformedNote */
export function checkpointsIn(given: string): NotedCheckpoint[] {
  const found: NotedCheckpoint[] = [];
  let part: string[] = [];
  let isSigned = false;
  const take = () => {
    if (part.length === 0) return;
    const written = `${part.join('\n')}\n`;
    part = [];
    isSigned = false;
    const note = noteOf(written);
    found.push({ ...parseCheckpoint(note.text), note, written });
  };
  for (const line of given.replaceAll('\r\n', '\n').split('\n')) {
    const isSignature = line.startsWith('— ');
    // After its signatures, whatever is none of them begins the next note.
    if (isSigned && !isSignature) take();
    if (line === '' && part.length === 0) continue;
    part.push(line);
    isSigned ||= isSignature;
  }
  try {
    take();
  } catch (error) {
    // What was being written when the power went is left out, unless it is all there is.
    if (found.length === 0) throw error;
  }
  if (found.length === 0) throw new MalformedNote('there is no checkpoint in it');
  return found;
}
