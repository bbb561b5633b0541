/**
 * Lets a command go on when nobody reads what it prints any more: `| head` has enough, or the terminal of a run of days was
 * closed. Whatever else goes wrong with standard output is still the end: a result that could not be written is no success.
 */
export function outliveReaders({ stdout, stderr }: Pick<NodeJS.Process, 'stdout' | 'stderr'>): void {
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
  stderr.on('error', () => {}); // progress and warnings; run.log has them too
}
