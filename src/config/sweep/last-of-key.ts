import { keyElement, type Override } from '../override/parse.js';

/**
 * Makes one value per key of the overrides: a later override of a key takes the place of the earlier, so that `a=1,2 b=3 a=4`
 * is `a=4 b=3` and a command line wins over `hydra.sweeper.params`. Additions to lists stand beside each other.
 */
export function lastOfEachKey<Value>(
  overrides: Override[],
  make: (override: Override) => Value,
  extensionsReplace = false,
): Value[] {
  const values = new Map<string | symbol, Value>();
  for (const override of overrides) {
    const adds = override.type === 'extend' && !extensionsReplace;
    values.set(adds ? Symbol() : keyElement(override), make(override));
  }
  return [...values.values()];
}
