/** How `get` writes, and what it calls a file that nobody named. */

export const formats = ['yaml', 'json'];
export const unnamed = 'registry';
