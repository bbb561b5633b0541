import { jsonLines } from './metrics.js';

/** A value of the config and what set it: a line of `origins.jsonl`. */
export interface ConfigValue {
  path: string;
  value: string;
  /** `configs/pretrain.yaml:24:18`, `override training.learning_rate=3e-3` */
  where: string;
  /** What stood there before, newest first. */
  replaced: { where: string; value: string }[];
}

/** The values in config order; empty where the run left no such file. */
export async function readOrigins(path: string): Promise<ConfigValue[]> {
  const values: ConfigValue[] = [];
  for await (const line of jsonLines(path)) {
    const replaced = Array.isArray(line.replaced) ? line.replaced : [];
    values.push({
      path: String(line.path ?? ''),
      value: String(line.value ?? ''),
      where: String(line.where ?? ''),
      replaced: replaced.map((old: { where?: unknown; value?: unknown } | null) => ({
        where: String(old?.where ?? ''),
        value: String(old?.value ?? ''),
      })),
    });
  }
  return values;
}

/** Whether the command line set it, or a step of a pipeline, which does it the same way. */
export function isOverridden({ where }: ConfigValue): boolean {
  return where.startsWith('override ');
}
