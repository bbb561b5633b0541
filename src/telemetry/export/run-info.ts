import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a tracking server is told of a run besides its metrics, as run.json has it. */
export interface RunInfo {
  id: string;
  stage: string;
  command: string;
  /** ISO. */
  startedAt: string;
  host: string;
  config: Record<string, unknown>;
  configSha256: string;
  commit: string | null;
}

/** How a run ended. */
export interface RunEnd {
  status: 'done' | 'failed' | 'interrupted';
  /** ISO. */
  endedAt: string;
  exitCode: number;
  /** Numbers of its result, which are no metric of any step. */
  result: Record<string, number>;
}

export function readRunInfo(folder: string): RunInfo {
  const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as RunInfo & {
    versions?: { commit?: string | null };
  };
  const { id, stage, command, startedAt, host, config = {}, configSha256, versions } = record;
  return { id, stage, command, startedAt, host, config, configSha256, commit: versions?.commit ?? null };
}

/** The numbers among a result's values. */
export function numbersOf(result: unknown): Record<string, number> {
  const entries = typeof result === 'object' && result !== null ? Object.entries(result) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

/** `{training: {lr: 1}}` -> `training.lr`: 1; lists and empty mappings as JSON. */
export function flatConfig(config: Readonly<Record<string, unknown>>, prefix = ''): [string, string][] {
  return Object.entries(config).flatMap(([name, value]): [string, string][] => {
    const isTree =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    if (isTree) return flatConfig(value as Record<string, unknown>, `${prefix}${name}.`);
    return [[`${prefix}${name}`, typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')]];
  });
}
