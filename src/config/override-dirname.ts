import { isHydraOverride, type Override } from './override/parse.js';
import { PyDict, type PyValue } from './python-value.js';

/**
 * `hydra.job.override_dirname`: the task's overrides, sorted and joined, as part of a folder name.
 * `settings` holds `kv_sep` ('='), `item_sep` (',') and `exclude_keys`; missing ones have these values.
 */
export function overrideDirname(overrides: Override[], settings: PyValue): string {
  const setting = (key: string): PyValue | undefined =>
    settings instanceof PyDict ? settings.get(key) : undefined;
  const excluded = setting('exclude_keys');
  const parts = overrides
    .filter((override) => !isHydraOverride(override))
    .filter(({ key }) => !(Array.isArray(excluded) && excluded.includes(key)))
    .map(({ input }) => input)
    .sort();
  const itemSeparator = setting('item_sep') ?? ',';
  const keySeparator = setting('kv_sep') ?? '=';
  return parts.join(String(itemSeparator)).replaceAll('=', () => String(keySeparator));
}
