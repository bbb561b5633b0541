import type { TelemetryEvent } from '../telemetry/event.js';
import type { RunError } from './run-record.js';
import type { StagePlan } from './stage.js';

/** All that a stage's process is told. Plain data: it crosses the process boundary, later also to another machine. */
export interface Job {
  /** `plan` prints what would run, see StageDefinition.plan. */
  mode: 'run' | 'plan';
  stage: string;
  /** URL of the module that knows the stages: it exports `loadStage(name): Promise<StageDefinition>`. */
  stagesModule: string;
  /** Composed, resolved, checked. */
  config: unknown;
  /** See ComposedStage. */
  mayStayUnread?: readonly string[];
  runDirectory: string;
  /** Relative paths of the config resolve against this. */
  root: string;
  /** The process starts here. */
  workingDirectory: string;
  /** Variables of the process besides its parent's. */
  env: Record<string, string>;
}

/** From the watcher to the stage's process. `abort`: write a checkpoint and end. `checkpoint`: write one and go on. */
export type ToStage = { type: 'start'; job: Job } | { type: 'abort' } | { type: 'checkpoint' };

/** From the stage's process to the watcher; the last one is `done` or `failed`, unless the process crashed. */
export type FromStage =
  | { type: 'event'; event: TelemetryEvent }
  | { type: 'input' | 'output'; name: string; path: string }
  | { type: 'fact'; key: string; value: unknown }
  | { type: 'plan'; plan: StagePlan }
  | { type: 'done'; peakMemoryBytes: number }
  | { type: 'failed'; error: RunError };
