import { SchemaError, type Violation } from '../config/index.js';
import { SluiceError } from '../errors.js';

/**
 * The error to show for a config that did not compose: an override that does not fit ends the composition, and there may be
 * more wrong than it. Such overrides are left out one after the other until the rest can be checked.
 *
 * @param check composes and checks a config with these overrides; throws for what is wrong
 */
export async function allMistakes(
  error: unknown,
  overrides: readonly string[],
  check: (overrides: readonly string[]) => Promise<unknown>,
): Promise<unknown> {
  const found: Violation[] = [];
  let left = overrides;
  let next: unknown = error;
  for (let text = culprit(next, left); text !== undefined; text = culprit(next, left)) {
    found.push(violationOf(next as SluiceError, text));
    left = left.filter((one) => one !== text);
    next = await check(left).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  }
  if (next instanceof SchemaError) found.push(...next.violations);
  found.sort((a, b) => (a.path < b.path ? -1 : 1));
  return found.length < 2 ? error : new SchemaError(found);
}

/** The override that an error is about. */
function culprit(error: unknown, overrides: readonly string[]): string | undefined {
  if (!(error instanceof SluiceError) || error instanceof SchemaError || !error.code.startsWith('config.'))
    return undefined;
  return overrides.find((text) => error.where === `override ${text}`);
}

function violationOf({ message, where, hint }: SluiceError, override: string): Violation {
  return { path: /^[+~]*([^=@]*)/.exec(override)![1]!, message, where, hint };
}
