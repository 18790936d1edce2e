/** A QR code in half blocks: two rows of it in each line of a terminal. */
import qrcode from 'qrcode-generator';

/** Light modules around it: less, and many cameras do not find it [ISO/IEC 18004, 5.3.8: four]. */
const quietModules = 4;

/**
 * The light modules are drawn, in the terminal's light colour: on a dark ground it is right as it stands.
 * @param text ASCII
 */
export function qrLines(text: string): string[] {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const size = count + 2 * quietModules;
  const isInside = (at: number) => at >= 0 && at < count;
  const isLight = (row: number, column: number) => {
    const [y, x] = [row - quietModules, column - quietModules];
    return !(isInside(y) && isInside(x) && code.isDark(y, x));
  };
  const blocks = [' ', '▄', '▀', '█'];
  const blockAt = (row: number, column: number) =>
    blocks[Number(isLight(row, column)) * 2 + Number(row + 1 < size && isLight(row + 1, column))] ??
    ' ';
  return Array.from({ length: Math.ceil(size / 2) }, (_line, line) =>
    Array.from({ length: size }, (_column, column) => blockAt(line * 2, column)).join(''),
  );
}
