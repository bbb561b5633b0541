import { SluiceError } from '../errors.js';
import type { ComposedConfig } from './compose.js';
import { Resolution } from './interpolation/evaluate.js';
import { type Key, keyText, PyDict, type PyValue, toPlain } from './python-value.js';
import type { Violation } from './schema.js';
import { type ConfigNode, DictNode, isContainer, ListNode, originText } from './tree/node.js';

/** A config of which a part may have no value. */
export interface LenientConfig {
  /** Plain data, interpolations resolved; `???` where there is no value. */
  config: Record<string, unknown>;
  /** Why there is none, by path. */
  problems: Violation[];
  /** Paths left out of `problems` because their value comes later. */
  later: string[];
  /** Absolute paths that interpolations read. */
  referred: string[];
}

/**
 * The task's config as far as it has values: `???` and interpolations that cannot be resolved become problems instead of the
 * one error that `config()` throws. `comesLater` tells of which texts that is to be expected now.
 */
export function lenientConfig(
  composed: ComposedConfig,
  comesLater: (text: string) => boolean = () => false,
): LenientConfig {
  const resolution = new Resolution(composed.internal.resolvers);
  const failures: Failure[] = [];
  const later: string[] = [];
  const referred: string[] = [];

  const visit = (node: ConfigNode, path: string): PyValue => {
    if (node instanceof ListNode) return node.items.map((item, index) => visit(item, `${path}[${index}]`));
    if (node instanceof DictNode) {
      const inside = (key: Key) => (path === '' ? keyText(key) : `${path}.${keyText(key)}`);
      return new PyDict(
        Array.from(node.entries, ([key, child]) => [key, visit(child, inside(key))] as const),
      );
    }
    if (node.isMissing) failures.push({ path, place: originText(node.origin), error: undefined });
    if (!node.isInterpolation) return node.value;
    for (const [, target] of String(node.value).matchAll(/\$\{([\w-]+(?:\.[\w-]+|\[\d+\])*)\}/g))
      referred.push(target!);
    try {
      const found = resolution.dereference(node);
      return isContainer(found) ? resolution.value(found) : found;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (comesLater(String(node.value))) later.push(path);
      else failures.push({ path, place: originText(node.origin), error });
      return '???';
    }
  };
  const config = toPlain(visit(composed.internal.task(), '')) as Record<string, unknown>;
  const [echoes, own] = [true, false].map((wanted) =>
    failures.filter((failure) => isEcho(failure, failures) === wanted),
  ) as [Failure[], Failure[]];
  return {
    config,
    problems: own.map(violationOf),
    later: [...later, ...echoes.map(({ path }) => path)],
    referred,
  };
}

/** A value that could not be had. */
interface Failure {
  path: string;
  /** Where the value stands. */
  place: string | undefined;
  /** Why its interpolation failed; undefined: it is `???`. */
  error: SluiceError | undefined;
}

/** Whether a value only fails because another does, which is told by itself. */
function isEcho({ place, error }: Failure, failures: readonly Failure[]): boolean {
  if (error === undefined) return false;
  if (error.code === 'config.interpolation_missing')
    return failures.some((other) => other.error === undefined);
  return error.where !== place && failures.some((other) => other.place === error.where);
}

function violationOf({ path, place, error }: Failure): Violation {
  if (error === undefined)
    return { path, where: place, message: 'has no value (???)', hint: `set it: ${path}=…` };
  // What a resolver says for itself needs no account of how it was called.
  const { message, hint } = error.cause instanceof SluiceError ? error.cause : error;
  const text = message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
  return { path, where: error.where ?? place, message: text, hint };
}
