import type { LogSettings } from './logging/settings.js';
import type { HydraFiles } from './run-folder.js';

/** A stage's config, composed and checked against its schema, with what the run folder stores of it. */
export interface ComposedStage {
  /** Canonical name. */
  stage: string;
  /** Resolved, plain, for a run in `wantedFolder`. */
  config: Record<string, unknown>;
  /** Keys that this config gives no reason to read. With it, the run tells of any other key that the stage never read. */
  mayStayUnread?: readonly string[];
  /** Absolute. */
  wantedFolder: string;
  /** What the run takes from its config once its folder is known, which may be another than wanted. */
  setup(folder: string): JobSetup;
}

/** What a job's config says of the job itself. All of it can refer to `${hydra:runtime.output_dir}`. */
export interface JobSetup {
  config: Record<string, unknown>;
  hydraFiles: HydraFiles;
  logging: LogSettings;
  /** `hydra.job.env_set` and `env_copy`: variables of the job's process besides its parent's. */
  env: Record<string, string>;
  /** Absolute: where the job's process starts. Paths in the config do not depend on it. */
  workingDirectory: string;
}

/** Composes a stage (canonical name or alias) from override texts. Throws SluiceError `config.*` for all that is wrong with it. */
export type ComposeStage = (stage: string, overrides: readonly string[]) => Promise<ComposedStage>;
