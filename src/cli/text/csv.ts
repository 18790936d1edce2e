/** Writes CSV (RFC 4180) that a spreadsheet can open: no cell of it is a formula. */

/** What a spreadsheet would run, it shows behind an apostrophe. */
const defused = (text: string): string => (/^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text);

const cell = (text: string): string => `"${defused(text).replaceAll('"', '""')}"`;

export const csvText = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
