const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full: make room, or lower training.keep_last and training.keep_best',
  EDQUOT: 'the disk quota is used up: make room, or lower training.keep_last and training.keep_best',
  EFBIG: 'a limit on the size of files stands in the way (ulimit -f)',
  EROFS: 'the disk is mounted read-only',
  EACCES: 'the folder cannot be written to: see its owner and mode',
  EPERM: 'the folder cannot be written to: see its owner, mode and attributes',
  EIO: 'the disk fails',
};

/** What to do about an error of the file system; undefined for any other error. */
export const diskReason = (error: unknown): string | undefined =>
  reasons[(error as NodeJS.ErrnoException | null)?.code ?? ''];
