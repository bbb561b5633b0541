import type { Mismatch, Vector } from '../conformance.js';
import { builtInResolvers } from '../interpolation/built-in-resolvers.js';
import { Resolution } from '../interpolation/evaluate.js';
import { keyText } from '../python-value.js';
import { type ConfigNode, DictNode, rawValue } from '../tree/node.js';
import { loadYaml } from '../yaml/construct.js';
import { encode, same } from './encoding.js';
import { errorClass } from './error-class.js';

export function checkInterpolation(vector: Vector): Mismatch | undefined {
  let root: ConfigNode;
  const failed = (error: unknown): Mismatch | undefined => {
    if (!vector.error) return { expected: vector.expect, got: (error as Error).message };
    const name = errorClass(error);
    if (name === vector.error_type || vector.error_type === 'RecursionError') return undefined;
    return { expected: vector.error_type, got: `${name}: ${(error as Error).message}` };
  };
  try {
    root = loadYaml(vector.config, vector.id);
  } catch (error) {
    return failed(error);
  }
  const { expect, unresolved, per_key: perKey, env = {} } = vector;
  if (unresolved !== undefined && !same(unresolved, encode(rawValue(root)))) {
    return { expected: unresolved, got: encode(rawValue(root)) };
  }
  const resolvers = builtInResolvers(env, new Date(), () => undefined);
  const attempt = (node: ConfigNode): { value: unknown } | { error: unknown } => {
    try {
      return { value: encode(new Resolution(resolvers).value(node)) };
    } catch (error) {
      return { error };
    }
  };
  for (const [key, wanted] of Object.entries((perKey ?? {}) as Record<string, Vector>)) {
    const entry =
      root instanceof DictNode ? [...root.entries].find(([name]) => keyText(name) === key) : undefined;
    if (entry === undefined) return { expected: perKey, got: `no key ${key}` };
    const result = attempt(entry[1]);
    const agrees =
      'value' in result ? same(wanted.value, result.value) : errorClass(result.error) === wanted.error;
    if (!agrees)
      return { expected: { [key]: wanted }, got: 'value' in result ? result.value : String(result.error) };
  }
  const whole = attempt(root);
  if ('error' in whole) return failed(whole.error);
  if (vector.error) return { expected: vector.error_type, got: whole.value };
  return same(expect, whole.value) ? undefined : { expected: expect, got: whole.value };
}
