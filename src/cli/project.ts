import type { StageEntry } from '../runner/stage.js';

/** What the command line works on. Sluice's own is made in cli.ts; tests make theirs. */
export interface Project {
  /** Absolute. Relative paths on the command line and in configs resolve against it. */
  root: string;
  /** Absolute folder of the caller: `--config-dir` and `--experimental-rerun` resolve against it. */
  cwd: string;
  /** Absolute path of the config tree. */
  configs: string;
  stages: readonly StageEntry[];
  /** URL of the module with those stages, for the processes that run them. */
  stagesModule: string;
  /** The environment, for `oc.env` in configs; nothing else reads it. */
  env: Readonly<Record<string, string | undefined>>;
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WriteStream;
}

/** All that stages are called by. */
export function stageNames(stages: readonly StageEntry[]): string[] {
  return stages.flatMap(({ name, aliases }) => [name, ...aliases]);
}

export function findStage(stages: readonly StageEntry[], name: string): StageEntry | undefined {
  return stages.find((stage) => stage.name === name || stage.aliases.includes(name));
}
