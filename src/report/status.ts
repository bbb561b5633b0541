/** A status as a class name: one of the known ones, or `other`. */
export function statusClass(status: string): string {
  return ['done', 'failed', 'interrupted', 'running', 'skipped', 'reused', 'waiting'].includes(status)
    ? status
    : 'other';
}
