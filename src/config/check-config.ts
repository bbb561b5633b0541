import type { ComposedConfig } from './compose.js';
import { lenientConfig } from './lenient-config.js';
import { placeOfValue } from './place-of-value.js';
import { locate, type Validator, type Violation } from './schema.js';
import type { CheckFacts, CheckNotes } from './schema-keywords.js';

export interface CheckOptions extends CheckFacts {
  /** Whether an interpolation that cannot be resolved yet is to be expected, by its text. */
  comesLater?: (text: string) => boolean;
  /** In a sweep a value without effect in one job has one in another: it is a warning then. */
  isSweep?: boolean;
}

export interface CheckResult {
  /** All that is wrong, sorted by path. */
  violations: Violation[];
  warnings: Violation[];
  /** Keys that a run of this config need not read, so that the others can be held to being read. */
  mayStayUnread: string[];
}

/**
 * All that is wrong with a composed config at once: values that are missing or cannot be resolved, what the schema refuses,
 * rules between keys, files that are not there, and values that somebody set though nothing will read them.
 */
export function checkConfig(
  composed: ComposedConfig,
  validate: Validator,
  options: CheckOptions = {},
): CheckResult {
  const { config, problems, later, referred } = lenientConfig(composed, options.comesLater);
  const found = validate(config, options);
  const originOf = (path: string) => placeOfValue(composed, path);

  const valueless = [...later, ...problems.map(({ path }) => path)];
  const refused = found.problems.filter(({ path }) => !isWithin(path, valueless));
  // The schema knows better what belongs in an empty place.
  const unset = problems.map((problem) => {
    const wanted = found.problems.find(
      ({ path, message }) => path === problem.path && message.startsWith('has no value'),
    );
    return problem.message.startsWith('has no value') && wanted !== undefined
      ? { ...problem, message: wanted.message }
      : problem;
  });
  const { effectless, doubtful } = withoutEffect(composed, found.notes, options.isSweep ?? false);
  return {
    violations: [...unset, ...effectless, ...locate(refused, originOf)].sort(byPath),
    warnings: [...doubtful, ...locate(found.notes.warnings.map(hintless), originOf)].sort(byPath),
    mayStayUnread: [...found.notes.notOfStage, ...found.notes.unread.map(({ path }) => path), ...referred],
  };
}

/**
 * Values under a condition that does not hold. One that an override set is a mistake: somebody expects something of it. One
 * that a file laid over another file's may serve other runs of that file, and is worth a warning.
 */
function withoutEffect(
  composed: ComposedConfig,
  { unread }: CheckNotes,
  isSweep: boolean,
): { effectless: Violation[]; doubtful: Violation[] } {
  const effectless: Violation[] = [];
  const doubtful: Violation[] = [];
  for (const { path, value, unmet } of unread) {
    for (const [leaf, set] of leaves(value, path)) {
      const origin = composed.origin(leaf);
      if (origin === undefined || set === null) continue;
      const isOverride = origin.where.startsWith('override ');
      if (!isOverride && origin.replaced.length === 0) continue;
      const violation = {
        path: leaf,
        where: placeOfValue(composed, leaf),
        message: `${JSON.stringify(set)} has no effect: ${unmet.is}`,
        hint: `it is read when ${unmet.wanted}; leave it out, or change that`,
      };
      (isOverride && !isSweep ? effectless : doubtful).push(violation);
    }
  }
  return { effectless, doubtful };
}

function leaves(value: unknown, path: string): [path: string, value: unknown][] {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}.${key}`));
}

const isWithin = (path: string, containers: readonly string[]) =>
  containers.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));

const hintless = (warning: { path: string; message: string }) => ({ ...warning, hint: undefined });

const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
