/** Milliseconds of processor time that this process has had since; a clock would count what other programs had as well. */
export function processorTime(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
