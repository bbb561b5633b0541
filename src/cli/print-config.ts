import type { ComposedConfig } from '../config/compose.js';
import type { CommandLine } from './arguments.js';

/** What `--cfg` prints, as the flags beside it ask. */
export async function configText(composed: ComposedConfig, line: CommandLine): Promise<string> {
  const { cfg, resolve, package: pkg, origin } = line;
  if (origin) return (await import('../config/origin-listing.js')).printOrigins(composed);
  return composed.yaml({ part: cfg ?? 'job', resolve, ...(pkg === undefined ? {} : { package: pkg }) });
}
