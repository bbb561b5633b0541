import type { ComposedConfig } from '../compose.js';
import { configError } from '../config-error.js';

/** What a job of a sweep is judged by. */
export interface Objective {
  /** A metric of the run, by its last value: `validation/loss`. */
  metric: string;
  direction: Direction;
  /** Jobs that must have reported a value at a step before one that is worse than their median is ended there; null: never. */
  pruneAfter: number | null;
}

export type Direction = 'minimize' | 'maximize';

export type SweeperSettings = ReturnType<typeof settingsOf>;

/** Reads the keys of `hydra.sweeper`; a value that does not fit is an error with its place. */
export function settingsOf(master: ComposedConfig) {
  const where = (key: string): string =>
    master.origin(`hydra.sweeper.${key}`)?.where ?? `hydra.sweeper.${key}`;
  const read = (key: string): unknown => master.value(`hydra.sweeper.${key}`) ?? null;
  const wrong = (key: string, expected: string, value: unknown): Error =>
    configError('default', `hydra.sweeper.${key} must be ${expected}, got ${JSON.stringify(value)}`, {
      where: where(key),
    });
  return {
    where,
    wholeNumber(key: string, fallback: number | null, atLeast = Number.NEGATIVE_INFINITY): number | null {
      const value = read(key);
      if (value === null) return fallback;
      const number = typeof value === 'string' && /^[-+]?\d+$/.test(value) ? Number(value) : value;
      if (typeof number === 'number' && Number.isSafeInteger(number) && number >= atLeast) return number;
      const bound = Number.isFinite(atLeast) ? ` of at least ${atLeast}` : '';
      throw wrong(key, `a whole number${bound}`, value);
    },
    direction(): Direction {
      const value = read('direction') ?? 'minimize';
      if (value === 'minimize' || value === 'maximize') return value;
      throw wrong('direction', 'minimize or maximize', value);
    },
    objective(): Objective | undefined {
      const metric = read('objective');
      const pruneAfter = this.wholeNumber('prune_after', null, 1);
      if (metric === null && pruneAfter === null) return undefined;
      if (typeof metric !== 'string') throw wrong('objective', 'the name of a metric', metric);
      return { metric, direction: this.direction(), pruneAfter };
    },
  };
}
