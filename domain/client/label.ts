/** What stands on the label of a device: all that it needs to be let in, for people and in a QR code. */
export interface DeviceLabel {
  /** The name that it asks for, or the pattern that its name must fit; null: any. */
  readonly name: string | null;
  readonly enrolmentCode: string;
  /** Where it asks. */
  readonly url: string;
  /** SHA-256 of the registry's CA, hex; null: there is none that is known for sure. */
  readonly caFingerprint: string | null;
}

/** A QR code (ISO/IEC 18004) as the path of an SVG, a unit a module, with the quiet zone around it. */
interface QrPath {
  readonly size: number;
  readonly path: string;
}

const quietZone = 4;

const isName = (name: string | null): name is string => name !== null && !/[*?]/.test(name);

/** The text in the code: JSON with the members that a device sends, or is told by. */
export const labelText = ({ name, enrolmentCode, url, caFingerprint }: DeviceLabel): string =>
  JSON.stringify({
    url,
    ...(caFingerprint !== null && { caFingerprint }),
    ...(isName(name) && { username: name }),
    enrolmentCode,
  });

/** The modules of a QR code, as an encoder has them. */
interface QrModules {
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
}

export function qrPath(code: QrModules): QrPath {
  const count = code.getModuleCount();
  let path = '';
  for (let row = 0; row < count; row++)
    for (let column = 0; column < count; column++)
      if (code.isDark(row, column)) path += `M${column + quietZone} ${row + quietZone}h1v1h-1z`;
  return { size: count + 2 * quietZone, path };
}

/** Groups of eight, as people compare them. */
export const spaced = (hex: string): string => hex.match(/.{1,8}/g)?.join(' ') ?? '';
