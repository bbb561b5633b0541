import type { LogEvent, TelemetryEvent } from '../telemetry/event.js';
import type { PluginKind, Registries } from './registries.js';
import type { RunError } from './run-record.js';

/** A stage as the runner sees it. `stages/index.ts` maps names to these by lazy import. */
export interface StageDefinition<Config = unknown> {
  /** As in its entry of `stages/index.ts`. */
  name: string;
  /**
   * The whole stage, straight-line. Throws SluiceError for what a user can mend. Resolves when done; the runner
   * then hashes the outputs and closes run.json. On `signal` abort: write a checkpoint, then throw
   * `new SluiceError('interrupted', …)`.
   */
  run(context: StageContext<Config>): Promise<void>;
  /**
   * `--plan`: what would run, without running a step. For the plans of later steps of a pipeline it may write stand-ins
   * of what it would make below `runDirectory`, of the right shapes but with nothing in them, and name them by addOutput.
   */
  plan?(context: StageContext<Config>): Promise<string | StagePlan>;
}

/** What a stage will need, as far as it can tell. */
export interface StagePlan {
  /** For standard output: programs, planned bytes, FLOPs, op list. */
  text: string;
  /** What its programs hold at once: states, intermediates, inputs. */
  plannedBytes?: number;
  /** Of the whole run. */
  flops?: number;
  /** Product rate of the machine in FLOP/s, measured now. */
  peakFlops?: number;
  /** What would stop the run before its first step. */
  problem?: RunError;
}

/** A stage as listed, before any of its code is loaded. */
export interface StageEntry {
  /** Canonical name; also the first folder under `outputs/`. */
  name: string;
  aliases: string[];
  /** One line for `./run stages`. */
  description: string;
  /** Its config file and schema: `configs/<config>.yaml`, `configs/<config>.schema.json`. */
  config: string;
  /** Which places of its config name something registered: `{ selector: 'selectors' }`. Checked before it starts. */
  plugins?: Readonly<Record<string, PluginKind>>;
}

/** What `stages/index.ts` exports; tests hand the runner a module of their own. */
export interface StagesModule {
  stages: readonly StageEntry[];
  loadStage(name: string): Promise<StageDefinition>;
  /** What configs can name, the project's own plugins included. */
  loadRegistries(): Promise<Registries>;
  /** Files, as seen from this module, that with all they import make a stage's results (see CodeHashes); without it: this one. */
  codeOf?(name: string): string[];
}

/** All a stage gets. A stage reads no environment, changes no directory and writes only below `runDirectory`. */
export interface StageContext<Config = unknown> {
  /** The composed, resolved and schema-checked config of the stage. */
  config: Config;
  /** Absolute path of this run's folder; exists. */
  runDirectory: string;
  /** Absolute path for a path written in the config (relative ones are relative to the project root or caller's cwd). */
  resolvePath(path: string): string;
  signal: AbortSignal;
  /** The same config as plain data, to be stored somewhere: reading a key of it does not count as using it. */
  plainConfig: Config;
  /** True once after somebody asked for a checkpoint (SIGUSR1): write one after the step in work, and go on. */
  takeCheckpointRequest(): boolean;
  /** False once the command that watches the stage is gone (killed): another one may be going on from its checkpoints already. */
  isWatched(): boolean;
  /** For `instantiate`: what configs can name. */
  registries: Registries;
  emit(event: TelemetryEvent): void;
  /** `logger` names whose line it is, where that is not the stage's: `data`, `train.checkpoint`. */
  log(level: LogEvent['level'], text: string, logger?: string): void;
  /** Records a file or folder that was read; the runner hashes it into run.json `inputs[]`. */
  addInput(name: string, path: string): void;
  /** Records a file or folder that was made, under a name that `${steps.<step>.<name>}` and `${run:stage,name}` find. */
  addOutput(name: string, path: string): void;
  /**
   * Facts for run.json: engine version, fallbacks. Later calls with one key replace the value. The fact `result` (an
   * object) is what the command prints on standard output: one JSON object with `--log json`, `key: value` lines else.
   */
  addFact(key: string, value: unknown): void;
}
