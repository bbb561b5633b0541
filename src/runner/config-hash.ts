import { createHash } from 'node:crypto';

/**
 * sha256 (hex) of a resolved config: of its JSON with the keys of every object sorted, so that two configs that say the
 * same in another order have one hash. NaN and the infinities, which JSON has no words for, stand as their names.
 */
export function configHash(config: unknown): string {
  return createHash('sha256').update(canonical(config)).digest('hex');
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return JSON.stringify(value) ?? 'null';
}

/** A config as run.json has it: NaN and the infinities, which JSON has no words for, as their names. */
export function recordedConfig(config: Record<string, unknown>): Record<string, unknown> {
  const named = (_: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return JSON.parse(JSON.stringify(config, named)) as Record<string, unknown>;
}
