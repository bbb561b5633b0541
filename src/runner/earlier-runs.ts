import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { listSteps } from '../checkpoint/training-state.js';
import type { CodeHashes } from './code-hash.js';
import type { ComposedStage } from './compose-stage.js';
import type { FileHashes } from './file-hashes.js';
import { History } from './history.js';
import { reachedRate } from './reached-rate.js';
import { type RunRecord, readRunRecord } from './run-record.js';
import type { FinishedRun } from './run-stage.js';
import { shownStatus } from './runs/shown-status.js';
import { type Comparison, compareConfig } from './same-config.js';

/** What earlier runs have for a stage with its config. */
export type Earlier =
  /** A finished run of the same config, code and inputs, all it made still as it made it. */
  | { kind: 'same'; run: FinishedRun; codeChanged: boolean }
  /** One that ended early, with a checkpoint to go on from. */
  | { kind: 'unfinished'; run: FinishedRun; step: number }
  /** `why`: what keeps the nearest one from being it; null where the stage never ran. */
  | { kind: 'none'; why: string | null };

/** So many runs are asked for their rate. */
const ratedRuns = 20;

/** Looks among the runs of a project for one that need not be run again. */
export class EarlierRuns {
  private readonly root: string;
  private readonly code: CodeHashes;
  private readonly hashes: FileHashes;

  constructor({ root, code }: { root: string; code: CodeHashes }, hashes: FileHashes) {
    this.root = root;
    this.code = code;
    this.hashes = hashes;
  }

  /** `anyCode`: also of another version of the stage's code. */
  async find(composed: ComposedStage, { anyCode = false } = {}): Promise<Earlier> {
    const code = await this.code.of(composed.stage);
    let unfinished: Earlier | undefined;
    let nearest: { why: string; distance: number } | undefined;
    const away = (why: string, distance: number) => {
      if (nearest === undefined || distance < nearest.distance) nearest = { why, distance };
    };
    for (const run of this.runsOf(composed.stage)) {
      const { record } = run;
      const compared = this.compare(run, composed);
      const { id } = record;
      const { differences } = compared;
      if (differences.length > 0) {
        away(`in ${id} ${differencesText(differences)}`, 1 + differences.length);
        continue;
      }
      const codeChanged = record.versions.code !== code;
      const change = codeChanged && !anyCode ? 'the code has changed' : await this.changedInput(compared);
      if (change !== undefined) {
        away(`since ${id} ${change}`, 1);
        continue;
      }
      if (record.status !== 'done') {
        unfinished ??= this.unfinished(run, composed);
        continue;
      }
      const lost = await this.lostOutput(run);
      if (lost === undefined) return { kind: 'same', run, codeChanged };
      away(`${lost} of ${id} is no longer what it made`, 0);
    }
    return unfinished ?? { kind: 'none', why: nearest?.why ?? null };
  }

  /** The latest good run of a stage, whatever its config. */
  latestOf(stage: string): FinishedRun | undefined {
    for (const run of this.runsOf(stage)) if (run.record.status === 'done') return run;
    return undefined;
  }

  /**
   * Of the latest good runs of a stage, or of any, that say how fast they computed, the one that computed most: a short trial
   * says little of the rate of a long run.
   */
  mostComputed(stage?: string): FinishedRun | undefined {
    let most: { run: FinishedRun; flops: number } | undefined;
    let seen = 0;
    for (const run of this.runsOf(stage)) {
      const { status, durationSeconds } = run.record;
      const rate = reachedRate(run.record);
      if (status !== 'done' || rate === undefined) continue;
      const flops = rate * (durationSeconds ?? 0);
      if (most === undefined || flops > most.flops) most = { run, flops };
      if (++seen === ratedRuns) break;
    }
    return most?.run;
  }

  /** The latest good run of the same config and inputs as named there, whatever its code and whatever became of its outputs. */
  withConfig(composed: ComposedStage): FinishedRun | undefined {
    for (const run of this.runsOf(composed.stage)) {
      const { status, config } = run.record;
      if (status !== 'done' || (config.resume ?? null) !== null) continue; // one that went on took less
      if (this.compare(run, composed).differences.length === 0) return run;
    }
    return undefined;
  }

  // Newest first.
  private *runsOf(stage: string | undefined): Generator<FinishedRun> {
    const history = new History(this.root);
    for (const entry of history.list().reverse()) {
      if (stage !== undefined && entry.stage !== stage) continue;
      const folder = history.folderOf(entry);
      const record = recordOf(folder);
      // Runs of an older Sluice did not say what they were given.
      if (record?.config !== undefined) yield { folder, record };
    }
  }

  private compare({ folder, record }: FinishedRun, { config, wantedFolder }: ComposedStage): Comparison {
    const inputs = record.inputs.map(({ path, sha256 }) => ({ path: resolve(folder, path), sha256 }));
    return compareConfig(
      { config: record.config, folder, inputs },
      { config, folder: wantedFolder },
      this.root,
    );
  }

  private async changedInput({ inputs, found, moved }: Comparison): Promise<string | undefined> {
    // What a run found beside an input that lies elsewhere now cannot be told from here.
    if (moved && found.length > 0) return 'what it reads lies elsewhere';
    for (const { path, sha256 } of [...inputs, ...found])
      if ((await this.hashes.of(path))?.sha256 !== sha256) return `${path} has changed`;
    return undefined;
  }

  private async lostOutput({ folder, record }: FinishedRun): Promise<string | undefined> {
    for (const { name, path, sha256 } of record.outputs)
      if ((await this.hashes.of(resolve(folder, path)))?.sha256 !== sha256) return name;
    return undefined;
  }

  private unfinished(run: FinishedRun, { config }: ComposedStage): Earlier | undefined {
    if (config.resume !== null || shownStatus(run.record) === 'running') return undefined;
    const checkpoints = join(run.folder, 'checkpoints');
    const step = listSteps(checkpoints).find((each) =>
      existsSync(join(checkpoints, `step_${each}`, 'manifest.json')),
    );
    return step === undefined ? undefined : { kind: 'unfinished', run, step };
  }
}

function recordOf(folder: string): RunRecord | undefined {
  try {
    return readRunRecord(folder);
  } catch {
    return undefined; // deleted, or damaged: then it is none to take
  }
}

function differencesText(differences: Comparison['differences']): string {
  const [first, ...others] = differences;
  const { path, before, now } = first!;
  const text = `${path} was ${short(before)}, not ${short(now)}`;
  return others.length === 0 ? text : `${text}, and ${others.length} more differ`;
}

function short(value: unknown): string {
  if (value === undefined) return 'unset';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
