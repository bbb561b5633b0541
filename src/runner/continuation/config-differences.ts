export interface ConfigDifference {
  /** `training.learning_rate` */
  path: string;
  before: unknown;
  now: unknown;
}

/** What changes no number of a run: where it lies, how much it says and saves, in how many threads and how much memory. */
const changesNoNumber = [
  ...['resume', 'extend', 'init_from', 'output_dir', 'threads', 'telemetry'],
  ...['log_every', 'save_every', 'keep_last', 'spike_guard', 'recompute', 'memory_budget'].map(
    (key) => `training.${key}`,
  ),
];

/** What a run that is extended may say anew: its length, its schedule, its clipping, and what judges it on the way. */
const saidAnew = [
  ...['epochs', 'max_steps', 'max_tokens', 'learning_rate', 'schedule', 'max_grad_norm', 'early_stopping'],
  ...['evaluate_every', 'evaluation_batches'],
  ...['keep_best', 'metric_for_best', 'greater_is_better', 'load_best_at_end'],
].map((key) => `training.${key}`);

/** Where a config says something that makes it another run than the one whose checkpoint has the config `before`. */
export function configDifferences(
  before: unknown,
  now: unknown,
  verb: 'resume' | 'extend',
): ConfigDifference[] {
  const free = verb === 'extend' ? [...changesNoNumber, ...saidAnew] : changesNoNumber;
  const isFree = (path: string) => free.some((one) => path === one || path.startsWith(`${one}.`));
  return differences(before, now, '').filter(({ path }) => !isFree(path));
}

function differences(before: unknown, now: unknown, path: string): ConfigDifference[] {
  if (isTree(before) && isTree(now)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
    return [...keys].flatMap((key) =>
      differences(before[key], now[key], path === '' ? key : `${path}.${key}`),
    );
  }
  // A key that is not there says as much as null: of an older config nobody had thought of it yet.
  const isSame = JSON.stringify(before ?? null) === JSON.stringify(now ?? null);
  return isSame ? [] : [{ path, before, now }];
}

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
