import type { RunRecord } from '../run-record.js';

/**
 * A callback in Hydra's sense: functions that are told when runs and jobs start and end. All are optional and may be
 * async. They get a copy of the config, and what they throw is a warning: a callback watches a run, it does not steer it.
 *
 * A run is one command; a job is one stage in it, so a pipeline is a run of several jobs and a multirun has a job per
 * combination. All are called in the command's own process, also where a job's process crashed.
 */
export interface Callback {
  /** The config is composed; nothing has started. Not called where a config is only printed. */
  on_compose_config?(config: CallbackConfig, info: CallbackInfo): Told;
  on_run_start?(config: CallbackConfig, info: CallbackInfo): Told;
  on_run_end?(config: CallbackConfig, info: CallbackInfo & { job_return: JobReturn }): Told;
  on_multirun_start?(config: CallbackConfig, info: CallbackInfo): Told;
  on_multirun_end?(config: CallbackConfig, info: CallbackInfo): Told;
  /** The job's folder is there, its process is not. */
  on_job_start?(config: CallbackConfig, info: JobInfo): Told;
  /** The job's folder is complete, with run.json and report. */
  on_job_end?(config: CallbackConfig, info: JobInfo & { job_return: JobReturn }): Told;
}

type Told = void | Promise<void>;

/** A resolved config without the `hydra` node: of the job for job events, of the command for the others. */
export type CallbackConfig = Record<string, unknown>;

export interface CallbackInfo {
  /** `stage_1_pretrain`, `experiment/demo` */
  config_name: string;
  /** Overrides of the task, as typed. */
  overrides: readonly string[];
  /** Prints a line where the runner prints its own. */
  log(text: string): void;
}

export interface JobInfo {
  stage: string;
  /** What the display calls it: the stage, a step of a pipeline, `#2 seed=3` of a multirun. */
  label: string;
  /** Absolute path of the run folder. */
  folder: string;
  log(text: string): void;
}

export interface JobReturn {
  status: RunRecord['status'];
  exit_code: number;
  duration_seconds: number;
  /** Absolute path of the run folder. */
  folder: string;
  /** All of run.json. */
  record: RunRecord;
}

/** Every event, and whether the callbacks are told in the order of the config or, as what ends, the other way round. */
export const callbackEvents = {
  on_compose_config: 'forward',
  on_run_start: 'forward',
  on_run_end: 'backward',
  on_multirun_start: 'forward',
  on_multirun_end: 'backward',
  on_job_start: 'forward',
  on_job_end: 'backward',
} as const satisfies Record<keyof Callback, 'forward' | 'backward'>;
