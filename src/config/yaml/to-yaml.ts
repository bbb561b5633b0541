import { fromPlain } from '../python-value.js';
import { emitYaml } from './emit.js';

/** Plain data as YAML text in the reference's layout. Integral numbers print as integers. */
export function toYaml(data: unknown): string {
  return emitYaml(fromPlain(data));
}
