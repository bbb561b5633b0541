/** The overrides of one job of a sweep, as text. */
export type JobOverrides = string[];

/**
 * Decides the jobs of a sweep, batch by batch. A batch's jobs may run at the same time; the next is asked for when all are
 * done and told.
 */
export interface Sweeper {
  /**
   * The next jobs, or undefined when there are no more. One that learns from each result gives as many as can run `atOnce`
   * (1 unless given); others need not look at it.
   */
  ask(atOnce?: number): JobOverrides[] | undefined;
  /** The value each job of the last batch reached, in order; undefined for a job that failed or gave none. */
  tell(values: (number | undefined)[]): void;
  /** How many jobs there are in all, where that is known. */
  readonly jobs?: number;
}
