const known = new Set('done failed interrupted lost running pruned skipped reused waiting queued'.split(' '));

/** A status as a class name: one of the known ones, or `other`. */
export function statusClass(status: string): string {
  return known.has(status) ? status : 'other';
}
