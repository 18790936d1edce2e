/** Loaded into a process with `--import`: tells on stderr, when it ends, the most memory it ever took. */
process.on('exit', () => {
  const { maxRSS } = process.resourceUsage();
  process.stderr.write(`peak ${maxRSS * 1024}\n`);
});
