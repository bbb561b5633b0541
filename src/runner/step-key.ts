import type { ComposedStage } from './compose-stage.js';
import { configHash } from './config-hash.js';

/** Two steps of one key would make the same, given the same files: a hash of the stage and of what its config says. */
export const stepKey = (composed: ComposedStage): string =>
  configHash([composed.stage, whereverItLies(composed)]);

/** A step's config without what says where its run lies, which differs from run to run. */
export function whereverItLies({
  config,
  wantedFolder,
}: Pick<ComposedStage, 'config' | 'wantedFolder'>): Record<string, unknown> {
  const { output_dir, resume, ...rest } = config;
  return withoutFolder(rest, wantedFolder) as Record<string, unknown>;
}

function withoutFolder(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value.replaceAll(folder, '<run folder>');
  if (Array.isArray(value)) return value.map((each) => withoutFolder(each, folder));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutFolder(each, folder)]));
}
