import { type ComposedConfig, toYaml } from '../config/index.js';
import type { CommandLine } from './arguments.js';

/** What `--cfg` prints, as the flags beside it ask. */
export function configText(composed: ComposedConfig, { cfg, resolve, package: pkg, origin }: CommandLine): string {
  if (origin) return originLines(composed, resolve);
  return composed.yaml({ part: cfg ?? 'job', resolve, ...(pkg === undefined ? {} : { package: pkg }) });
}

// `training.lr: 0.0001  # override training.lr=1e-4, was 0.001 (configs/stage_1.yaml:7:3)`
function originLines(composed: ComposedConfig, resolve: boolean): string {
  const config = resolve ? composed.config() : composed.unresolved();
  return leaves(config)
    .map(([path, value]) => {
      const { where, replaced } = composed.origin(path) ?? { where: 'built in', replaced: [] };
      const before = replaced.map((old) => `, was ${old.value} (${old.where})`).join('');
      return `${path}: ${toYaml(value).trimEnd()}  # ${where}${before}\n`;
    })
    .join('');
}

function leaves(value: unknown, path = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return [[path, value]];
  const step = (key: string) => (Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`);
  return Object.entries(value).flatMap(([key, child]) => leaves(child, step(key)));
}
