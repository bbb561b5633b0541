import type { HydraFiles } from './run-folder.js';

/** A stage's config, composed and checked against its schema, with what the run folder stores of it. */
export interface ComposedStage {
  /** Canonical name. */
  stage: string;
  /** Resolved, plain. */
  config: Record<string, unknown>;
  hydraFiles: HydraFiles;
  /** Absolute. */
  wantedFolder: string;
}

/** Composes a stage (canonical name or alias) from override texts. Throws SluiceError `config.*` for all that is wrong with it. */
export type ComposeStage = (stage: string, overrides: readonly string[]) => Promise<ComposedStage>;
