import { SluiceError } from '../../errors.js';
import { type ComposedConfig, compose } from '../compose.js';
import type { Mismatch, Vector } from '../conformance.js';
import { Resolution } from '../interpolation/evaluate.js';
import { isContainer, rawValue } from '../tree/node.js';
import { selectNode } from '../tree/update.js';
import { encode, same } from './encoding.js';
import { errorClass } from './error-class.js';

export function checkCompose(vector: Vector, folder: string): Mismatch | undefined {
  let composed: ComposedConfig;
  try {
    composed = compose(options(vector, folder));
  } catch (error) {
    return vector.error ? checkError(vector, error) : { expected: vector.expect, got: describe(error) };
  }
  if (vector.error)
    return { expected: `${vector.error_class}: ${vector.message_contains}`, got: composed.yaml() };
  const task = composed.internal.task();
  if (!same(vector.expect, encode(rawValue(task))))
    return { expected: vector.expect, got: encode(rawValue(task)) };
  if (vector.yaml !== undefined && vector.yaml !== composed.yaml())
    return { expected: vector.yaml, got: composed.yaml() };
  if (!same(vector.choices, composed.choices)) return { expected: vector.choices, got: composed.choices };
  const resolution = new Resolution(composed.internal.resolvers);
  for (const [path, expected] of Object.entries(vector.hydra_values ?? {})) {
    const found = selectNode(composed.internal.root, path, resolution);
    const got =
      found === undefined ? undefined : encode(isContainer(found) ? resolution.value(found) : found);
    if (!same(expected, got)) return { expected: { [path]: expected }, got };
  }
  return checkResolved(vector, composed);
}

function checkResolved(vector: Vector, composed: ComposedConfig): Mismatch | undefined {
  try {
    const got = encode(new Resolution(composed.internal.resolvers).value(composed.internal.task()));
    return same(vector.resolved, got)
      ? undefined
      : { expected: vector.resolved ?? vector.resolved_error, got };
  } catch (error) {
    if (vector.resolved === null && errorClass(error) === vector.resolved_error) return undefined;
    return { expected: vector.resolved ?? vector.resolved_error, got: describe(error) };
  }
}

/** The class, and for the reference's own classes the first line's phrase; messages of Python's classes are Python's. */
export function checkError(vector: Vector, error: unknown): Mismatch | undefined {
  const name = errorClass(error);
  const expected = `${vector.error_class}: ${vector.message_contains}`;
  if (!(error instanceof SluiceError)) return { expected, got: name };
  const promised = /^(?:Config|Missing|Override|Hydra)/.test(vector.error_class);
  if (!promised) return undefined;
  if (name !== vector.error_class) return { expected, got: describe(error) };
  if (name === 'OverrideParseException') return undefined;
  const phrase = vector.message_contains.replace(/ \S* ?at input.*$/, '');
  if (!error.message.includes(phrase)) return { expected, got: describe(error) };
  const missing = (vector.options ?? []).filter((option: string) => !error.message.includes(option));
  return missing.length === 0 ? undefined : { expected: vector.options, got: error.message };
}

export function options(vector: Vector, folder: string): Parameters<typeof compose>[0] {
  return {
    configDirs: [vector.config_dir === undefined ? folder : `${folder}/${vector.config_dir}`],
    configName: vector.config_name,
    overrides: vector.overrides,
    jobName: 'app',
    cwd: folder,
    env: vector.env ?? {},
  };
}

export function describe(error: unknown): string {
  return `${errorClass(error)}: ${error instanceof Error ? error.message : error}`;
}
