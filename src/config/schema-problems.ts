import type { ErrorObject } from 'ajv';
import { nearest } from './nearest.js';
import { dottedPath, type Finding, pointerKeys } from './schema-keywords.js';

/** A violation before its place is known. */
export interface Problem {
  path: string;
  message: string;
  hint: string | undefined;
  /** Paths of other values that have a part in it. */
  also?: string[];
}

/**
 * A validator's errors in the words of a config's author. The branches of `anyOf` and `oneOf` become one problem: the ones of
 * the branch that fits best, or "expected a or b".
 */
export function describeViolations(errors: ErrorObject[]): Problem[] {
  // `if` only says that a branch failed; the branch has said why.
  const kept = collapseBranches(errors.filter(({ keyword }) => keyword !== 'if'));
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const error of kept) {
    const problem = describe(error);
    const key = `${problem.path}\n${problem.message}`;
    if (!seen.has(key)) problems.push(problem);
    seen.add(key);
  }
  // What hangs on a choice that there is not cannot be judged.
  const noChoices = new Set(
    kept.filter(({ keyword }) => keyword === 'enum').map((error) => describe(error).path),
  );
  return problems.filter(({ also = [] }) => !also.some((path) => noChoices.has(path)));
}

function describe(error: ErrorObject): Problem {
  const path = dottedPath(pointerKeys(error.instancePath));
  const { keyword, params, data } = error;
  if ('finding' in params) {
    const { message, hint, also = [] } = params.finding as Finding;
    return { path, message, hint, also };
  }
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties') {
    const key: string = params.additionalProperty ?? params.unevaluatedProperty;
    const known = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
    return {
      path: join(path, key),
      message: 'unknown key',
      hint: didYouMean(key, known) ?? listed('keys here', known),
    };
  }
  if (keyword === 'required') {
    const expected = expectationOf(
      (error.parentSchema?.properties as Record<string, object> | undefined)?.[params.missingProperty],
    );
    return {
      path: join(path, params.missingProperty),
      message: `missing${expected === '' ? '' : `; expected ${expected}`}`,
      hint: `set it: +${join(path, params.missingProperty)}=…`,
    };
  }
  if (data === '???') {
    const expected = expectationOf(error.parentSchema);
    return {
      path,
      message: `has no value (???)${expected === '' ? '' : `; expected ${expected}`}`,
      hint: `set it: ${path}=…`,
    };
  }
  if (keyword === 'enum') {
    const choices = (params.allowedValues as unknown[]).map((choice) => String(choice));
    const message = `expected one of ${choices.join(', ')}, got ${shown(data)}`;
    return { path, message, hint: typeof data === 'string' ? didYouMean(data, choices) : undefined };
  }
  return { path, message: `expected ${expectation(error)}, got ${shown(data)}`, hint: undefined };
}

const COMPARISONS: Record<string, string> = {
  '>=': 'at least',
  '<=': 'at most',
  '>': 'more than',
  '<': 'less than',
};

/** What one keyword asks for. */
function expectation({ keyword, params, parentSchema, message }: ErrorObject): string {
  if (keyword === 'type') return typeNames(params.type);
  if (keyword === 'const') return shown(params.allowedValue);
  if ('comparison' in params) return `${COMPARISONS[params.comparison] ?? params.comparison} ${params.limit}`;
  if (keyword === 'multipleOf') return `a multiple of ${params.multipleOf}`;
  if (keyword === 'minLength')
    return params.limit === 1 ? 'text that is not empty' : `at least ${params.limit} characters`;
  if (keyword === 'maxLength') return `at most ${params.limit} characters`;
  if (keyword === 'minItems') return `at least ${params.limit} ${params.limit === 1 ? 'item' : 'items'}`;
  if (keyword === 'maxItems') return `at most ${params.limit} items`;
  if (keyword === 'uniqueItems') return 'no item twice';
  if (keyword === 'minProperties')
    return `at least ${params.limit} ${params.limit === 1 ? 'entry' : 'entries'}`;
  if (keyword === 'items' || keyword === 'additionalItems') return `at most ${params.limit} items`;
  if (keyword === 'pattern')
    // A person reads what the schema says of it more easily than the expression.
    return parentSchema?.description?.replace(/\.$/, '') ?? `text that matches ${params.pattern}`;
  if (keyword === 'format') return `a ${params.format}`;
  if (keyword === 'anyOf' || keyword === 'oneOf') return expectationOf(parentSchema);
  return message ?? keyword;
}

/** What a schema asks for, in short: `integer of at least 1 or null`. */
function expectationOf(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null) return '';
  const { type, enum: choices, const: constant, anyOf, oneOf } = schema as Record<string, unknown>;
  const branches = (anyOf ?? oneOf) as unknown[] | undefined;
  if (branches !== undefined)
    return [...new Set(branches.map(expectationOf))].filter((text) => text !== '').join(' or ');
  if (Array.isArray(choices)) return `one of ${choices.map(String).join(', ')}`;
  if (constant !== undefined) return shown(constant);
  return type === undefined ? '' : typeNames(type as string | string[]);
}

const TYPES: Record<string, string> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function typeNames(types: string | string[]): string {
  return [types]
    .flat()
    .map((type) => TYPES[type] ?? type)
    .join(' or ');
}

/** A value in one short line. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text =
    JSON.stringify(value, (_key, item) => (typeof item === 'bigint' ? item.toString() : item)) ??
    String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function didYouMean(word: string, known: string[]): string | undefined {
  const close = nearest(word, known);
  return close.length === 0 ? undefined : `did you mean ${close.join(' or ')}?`;
}

function listed(title: string, names: string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `${title}: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}`;
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function collapseBranches(errors: ErrorObject[]): ErrorObject[] {
  let kept = errors;
  for (const union of errors) {
    if (union.keyword !== 'anyOf' && union.keyword !== 'oneOf') continue;
    const prefix = `${union.schemaPath}/`;
    const inside = kept.filter((error) => isInBranch(error, prefix, union));
    if (inside.length === 0) continue;
    const best = bestBranch(inside, prefix, union);
    kept = kept.filter((error) => !inside.includes(error) && (best === undefined || error !== union));
    if (best !== undefined) kept = [...kept, ...best];
  }
  return kept;
}

/** Errors behind a reference have a path of their own; those at or below the same value belong to it all the same. */
function isInBranch(error: ErrorObject, prefix: string, union: ErrorObject): boolean {
  if (error === union) return false;
  if (error.schemaPath.startsWith(prefix)) return true;
  const below =
    error.instancePath === union.instancePath || error.instancePath.startsWith(`${union.instancePath}/`);
  return below && !error.schemaPath.startsWith('#/') && union.schemaPath.startsWith('#/');
}

/** The errors of the one branch that takes this kind of value and fails least; none when no branch takes it. */
function bestBranch(inside: ErrorObject[], prefix: string, union: ErrorObject): ErrorObject[] | undefined {
  const branches = new Map<string, ErrorObject[]>();
  for (const error of inside) {
    const branch = error.schemaPath.startsWith(prefix)
      ? error.schemaPath.slice(prefix.length).split('/')[0]!
      : 'reference';
    branches.set(branch, [...(branches.get(branch) ?? []), error]);
  }
  const fitting = [...branches.values()].filter((list) =>
    list.every(
      (error) =>
        error.instancePath !== union.instancePath || !['type', 'const', 'enum'].includes(error.keyword),
    ),
  );
  fitting.sort((a, b) => a.length - b.length);
  return fitting[0];
}
