import { type ComposedConfig, printOrigins } from '../config/index.js';
import type { CommandLine } from './arguments.js';

/** What `--cfg` prints, as the flags beside it ask. */
export function configText(
  composed: ComposedConfig,
  { cfg, resolve, package: pkg, origin }: CommandLine,
): string {
  if (origin) return printOrigins(composed);
  return composed.yaml({ part: cfg ?? 'job', resolve, ...(pkg === undefined ? {} : { package: pkg }) });
}
