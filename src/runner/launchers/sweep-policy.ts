import { availableParallelism } from 'node:os';

/** How a launcher runs the jobs of a sweep. */
export interface SweepPolicy {
  /** Jobs at a time. */
  jobs: number;
  /** Of each job whose config leaves `threads` null; null leaves it so, which is one per core. */
  threads: number | null;
  /** What follows a job that failed for good: nothing new starts, or the others go on. */
  onFailure: 'stop' | 'continue';
  /** How often a job that failed is started again. */
  retries: number;
}

/** One job after another, up to the first that fails: Hydra's basic launcher. */
export const oneByOne: SweepPolicy = { jobs: 1, threads: null, onFailure: 'stop', retries: 0 };

/** The keys of `hydra.launcher` that say it, with their JSON Schemas. */
export const sweepPolicyOptions = {
  n_jobs: {
    anyOf: [{ type: 'integer', minimum: 1 }, { const: -1 }],
    description: 'Jobs of a sweep at a time; -1: one per core.',
  },
  threads: {
    type: ['integer', 'null'],
    minimum: 1,
    description: 'Of each job of a sweep whose config leaves threads null; null: its share of the cores.',
  },
  on_failure: {
    enum: ['stop', 'continue', 'retry'],
    description:
      'When a job of a sweep fails: start no more; go on with the others; or start it again, then go on.',
  },
  retries: {
    type: 'integer',
    minimum: 1,
    description: 'How often on_failure=retry starts a job again.',
  },
};

export interface SweepPolicyOptions {
  n_jobs?: number;
  threads?: number | null;
  on_failure?: 'stop' | 'continue' | 'retry';
  retries?: number;
}

export function sweepPolicy(
  { n_jobs: wanted = 1, threads = null, on_failure: onFailure = 'stop', retries = 1 }: SweepPolicyOptions,
  cores = availableParallelism(),
): SweepPolicy {
  const jobs = wanted === -1 ? cores : wanted;
  return {
    jobs,
    threads: threads ?? (jobs === 1 ? null : Math.max(1, Math.floor(cores / jobs))),
    onFailure: onFailure === 'stop' ? 'stop' : 'continue',
    retries: onFailure === 'retry' ? retries : 0,
  };
}
