import { relative, resolve } from 'node:path';
import type { ComposeStage } from './compose-stage.js';
import type { PlannedStep } from './pipeline-plan.js';
import type { HydraFiles } from './run-folder.js';
import type { FinishedRun } from './run-stage.js';

/** A pipeline, planned, ready to run. */
export interface PipelineRun {
  name: string;
  steps: PlannedStep[];
  /** The pipeline's config, resolved with these paths for `${steps.<step>.<output>}`. */
  resolve(outputs: StepOutputs): Promise<Record<string, unknown>>;
  composeStage: ComposeStage;
  /** Where the value at a path of the pipeline's config comes from. */
  placeOf(path: string): string | undefined;
  hydraFiles(folder: string): HydraFiles;
  /** Absolute. */
  wantedFolder: string;
  command: string;
}

/** Step -> output name -> path, relative to the project root where inside it. `folder` is an output of every step. */
export type StepOutputs = Record<string, Record<string, string>>;

/** What a finished run made, as steps refer to it. `root`: of the project. */
export function outputsOf({ folder, record }: FinishedRun, root: string): StepOutputs[string] {
  const fromRoot = (path: string) => relative(root, resolve(folder, path));
  const made = record.outputs.map(({ name, path }) => [name, fromRoot(path)] as const);
  return { folder: fromRoot('.'), ...Object.fromEntries(made) };
}
