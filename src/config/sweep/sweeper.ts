/** The overrides of one job of a sweep, as text. */
export type JobOverrides = string[];

/**
 * Decides the jobs of a sweep, batch by batch. A batch's jobs may run at the same time; the next is asked for when all are
 * done and told.
 */
export interface Sweeper {
  /** The next jobs, or undefined when there are no more. */
  ask(): JobOverrides[] | undefined;
  /** The value each job of the last batch reached, in order; undefined for a job that failed or gave none. */
  tell(values: (number | undefined)[]): void;
}
