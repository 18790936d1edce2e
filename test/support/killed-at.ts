/** Preloaded into a service that is to be killed: `kill -9` in place of printing the text of KILLED_AT. */
const { KILLED_AT: text, ON_TERMINAL: onTerminal } = process.env;
const write = process.stdout.write.bind(process.stdout);

if (onTerminal !== undefined) process.stdout.isTTY = true;
process.stdout.write = ((chunk: string, ...rest: []) => {
  if (text !== undefined && String(chunk).includes(text)) process.kill(process.pid, 'SIGKILL');
  return write(chunk, ...rest);
}) as typeof process.stdout.write;
