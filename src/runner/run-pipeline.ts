import { relative, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import { composeStep } from './compose-step.js';
import { decideStep, type StepDecision } from './decide-step.js';
import { EarlierRuns } from './earlier-runs.js';
import { openRecord } from './open-record.js';
import { asFound, type PipelineChoice, type StepRule, stepRules } from './pipeline-choice.js';
import { pipelineEnd } from './pipeline-end.js';
import { type PlannedStep, standIns } from './pipeline-plan.js';
import type { PipelineRun, StepOutputs } from './pipeline-run.js';
import { plannedBytes } from './planned-bytes.js';
import { createRunFolder, writeHydraFiles } from './run-folder.js';
import {
  closeRecord,
  type RunRecord,
  recordedPath,
  runError,
  type StepRecord,
  writeRunRecord,
} from './run-record.js';
import { type FinishedRun, noteRun, type RunnerHost, runStage, writeReport } from './run-stage.js';
import { SharedSteps } from './shared-steps.js';
import { stepKey } from './step-key.js';
import { threadsOf } from './step-resources.js';

/**
 * Runs the steps, each a stage in its own process and folder, as soon as what they need is there, side by side where
 * cores and memory allow, and leaves a folder with run.json and a report of the whole. A step that an earlier run has
 * done already is not run again; one that was interrupted goes on from its checkpoint. A step that fails ends those that
 * need it, and no other. Like runStage it does not throw for what stages do; throws `usage.no_earlier_run` before
 * anything starts where `choice` wants earlier runs that are not there.
 *
 * @param shared with other pipelines that run at the same time. @param started is told the folder, absolute
 */
export async function runPipeline(
  run: PipelineRun,
  host: RunnerHost,
  choice: PipelineChoice = asFound,
  { shared = new SharedSteps(host.root), started = () => {} }: PipelineSurroundings = {},
): Promise<FinishedRun> {
  const work = new PipelineWork(run, host, stepRules(run.steps, choice), shared);
  try {
    return await work.all(started);
  } finally {
    shared.releaseAll(work);
    shared.hashes.save();
  }
}

export interface PipelineSurroundings {
  shared?: SharedSteps;
  started?: (folder: string) => void;
}

/** A step with the outputs of those before it in its config. */
interface ComposedStep {
  /** Of the pipeline. */
  config: Record<string, unknown>;
  composed: ComposedStage;
  /** See stepKey. */
  key: string;
}

class PipelineWork {
  private readonly run: PipelineRun;
  private readonly host: RunnerHost;
  private readonly rules: Map<string, StepRule>;
  private readonly earlier: EarlierRuns;
  private readonly outputs: StepOutputs;
  private readonly rows = new Map<string, StepRecord>();
  private readonly decisions = new Map<string, StepDecision>();
  private readonly composed = new Map<string, ComposedStep>();
  private readonly finished = new Map<string, FinishedRun>();
  private readonly running = new Map<string, Promise<void>>();
  private readonly shared: SharedSteps;
  /** Of steps side by side. */
  private limit = Number.POSITIVE_INFINITY;
  /** Whether a step could go on once other pipelines give something back. */
  private waitsForOthers = false;
  private folder = '';
  private record!: RunRecord;

  constructor(run: PipelineRun, host: RunnerHost, rules: Map<string, StepRule>, shared: SharedSteps) {
    this.run = run;
    this.host = host;
    this.rules = rules;
    this.shared = shared;
    this.earlier = new EarlierRuns(host, shared.hashes);
    this.outputs = standIns(run.steps);
    for (const step of run.steps) this.rows.set(step.name, waiting(step));
  }

  async all(started: (folder: string) => void): Promise<FinishedRun> {
    const { run, host, rows } = this;
    await this.findEarlier();
    const folder = await createRunFolder(run.wantedFolder);
    this.folder = folder;
    await writeHydraFiles(folder, run.hydraFiles(folder));
    const config = await run.resolve(this.outputs);
    if (typeof config.max_parallel === 'number') this.limit = config.max_parallel;
    const began = performance.now();
    this.record = await openRecord(run, folder, host, {
      config,
      stage: run.name,
      steps: [...rows.values()],
    });
    await noteRun(folder, this.record, host);
    started(folder);
    await this.work();
    this.record.tables = this.lastTables();
    Object.assign(this.record, pipelineEnd([...rows.values()], host.interrupt.requested));
    closeRecord(this.record, began);
    writeRunRecord(folder, this.record);
    await noteRun(folder, this.record, host);
    await writeReport(folder, host);
    return { folder, record: this.record };
  }

  /** Decides the steps that an earlier run must have done, before there is a folder of this one. */
  private async findEarlier(): Promise<void> {
    const missing: string[] = [];
    for (const step of this.run.steps) {
      if (this.rules.get(step.name) !== 'earlier') continue;
      const lacking = step.needs.find((need) => missing.some((text) => text.startsWith(`${need}: `)));
      const decision = lacking === undefined ? await this.decide(step) : undefined;
      if (decision?.kind === 'reuse') this.addOutputs(step, decision.run);
      else
        missing.push(`${step.name}: ${decision === undefined ? `needs ${lacking}` : whyMissing(decision)}`);
    }
    if (missing.length === 0) return;
    throw new SluiceError(
      'usage.no_earlier_run',
      `there is no earlier run to take for\n${missing.map((text) => `  ${text}`).join('\n')}`,
      { hint: 'without --from and --only every step is run that has to be' },
    );
  }

  // Steps end while others are looked at: all are looked at again until nothing can start.
  private async work(): Promise<void> {
    const { interrupt } = this.host;
    let stopListening = () => {};
    const interrupted = new Promise<void>((resolve) => {
      stopListening = interrupt.on((request) => request !== 'checkpoint' && resolve());
    });
    try {
      for (;;) {
        const changed = this.shared.changed();
        while (!interrupt.requested && (await this.settleOne()));
        if (this.running.size === 0 && (interrupt.requested || !this.waitsForOthers)) return;
        await Promise.race([
          ...this.running.values(),
          ...(interrupt.requested ? [] : [changed, interrupted]),
        ]);
      }
    } finally {
      stopListening();
    }
  }

  /** Starts, reuses or skips the first step that can be; gives false where there is none. */
  private async settleOne(): Promise<boolean> {
    this.waitsForOthers = false;
    for (const step of this.run.steps) {
      const row = this.rows.get(step.name)!;
      if (row.status !== 'waiting') continue;
      if (this.rules.get(step.name) === 'left out') return this.skip(step, row, 'left out by --only');
      const needed = step.needs.map((need) => this.rows.get(need)!);
      const lacking = needed.find(({ status, folder }) => !canCome(status) && !hasOutputs(status, folder));
      if (lacking !== undefined)
        return this.skip(step, row, `it needs ${lacking.name}, which ${how[lacking.status]}`);
      if (!needed.every(({ status, folder }) => hasOutputs(status, folder))) continue;
      try {
        if (await this.settle(step, row)) return true;
      } catch (error) {
        const key = this.composed.get(step.name)?.key;
        if (key !== undefined) this.shared.release(key, this);
        return this.giveUp(row, error);
      }
    }
    return false;
  }

  /** Gives false where another pipeline makes the step, or it must run and there is no room beside those that do. */
  private async settle(step: PlannedStep, row: StepRecord): Promise<boolean> {
    const { host, shared, running } = this;
    const { key } = await this.compose(step);
    // What another one makes at the moment is there to be taken in the end.
    if (this.rules.get(step.name) === 'as found' && !shared.claim(key, this)) return this.waits();
    const decision = await this.decide(step);
    if (decision.kind === 'reuse') {
      this.reuse(step, row, decision);
      shared.release(key, this);
      return true;
    }
    if (running.size >= this.limit) return false;
    const need = { threads: threadsOf(decision.composed.config), bytes: this.bytesOf(decision.composed) };
    if (!(await shared.take(need))) return this.waits();
    if (host.interrupt.requested) {
      shared.give(need);
      return false;
    }
    row.status = 'running';
    this.write();
    const work = this.runStep(step, row, decision)
      .catch((error: unknown) => void this.giveUp(row, error))
      .finally(() => {
        running.delete(step.name);
        shared.give(need);
        shared.release(key, this);
      });
    running.set(step.name, work);
    return true;
  }

  private waits(): false {
    this.waitsForOthers = true;
    return false;
  }

  private async compose(step: PlannedStep): Promise<ComposedStep> {
    const known = this.composed.get(step.name);
    if (known !== undefined) return known;
    const config = await this.run.resolve(this.outputs);
    const composed = await composeStep(this.run, step, config);
    const made = { config, composed, key: stepKey(composed) };
    this.composed.set(step.name, made);
    return made;
  }

  private async decide(step: PlannedStep): Promise<StepDecision> {
    const { run, rules, earlier, host } = this;
    const known = this.decisions.get(step.name);
    if (known !== undefined) return known;
    const { config, composed } = await this.compose(step);
    const rule = rules.get(step.name)!;
    const decision = await decideStep(run, step, { config, composed, rule, earlier, root: host.root });
    this.decisions.set(step.name, decision);
    return decision;
  }

  private bytesOf(composed: ComposedStage): () => Promise<number | null> {
    let bytes: Promise<number | null> | undefined;
    return () => (bytes ??= plannedBytes(composed, this.host, this.earlier));
  }

  private async runStep(step: PlannedStep, row: StepRecord, decision: StepDecision): Promise<void> {
    const { run, host, folder } = this;
    const { composed, why } = decision as Extract<StepDecision, { kind: 'run' }>;
    const command = `${run.command} # step ${step.name}`;
    const finished = await runStage({ ...composed, label: step.name, command }, host, (path) => {
      row.folder = recordedPath(path, folder, host.root);
      this.write();
      if (why !== null) host.display.event(step.name, { type: 'log', level: 'info', text: why });
    });
    const { status, durationSeconds, error } = finished.record;
    row.durationSeconds = durationSeconds;
    if (error !== undefined) row.error = error;
    if (status === 'done') this.addOutputs(step, finished);
    row.status = status;
    this.write();
  }

  private reuse(
    step: PlannedStep,
    row: StepRecord,
    { run, reason }: Extract<StepDecision, { kind: 'reuse' }>,
  ): void {
    const { host } = this;
    this.addOutputs(step, run);
    Object.assign(row, {
      status: 'skipped',
      reason,
      folder: recordedPath(run.folder, this.folder, host.root),
    });
    this.write();
    host.display.skipped?.(step.name, reason, relative(host.root, run.folder));
  }

  private skip(step: PlannedStep, row: StepRecord, reason: string): true {
    Object.assign(row, { status: 'skipped', reason });
    this.write();
    this.host.display.skipped?.(step.name, reason);
    return true;
  }

  private giveUp(row: StepRecord, error: unknown): true {
    row.error = runError(error);
    row.status = 'failed';
    this.write();
    this.host.display.ended(row.name, 'failed', row.durationSeconds ?? 0);
    return true;
  }

  /** Throws SluiceError where the step did not make what another uses: better told now than when that one wants it. */
  private addOutputs(step: PlannedStep, finished: FinishedRun): void {
    const { root } = this.host;
    const fromRoot = (path: string) => relative(root, resolve(finished.folder, path));
    const made: Record<string, string> = { folder: fromRoot('.') };
    for (const { name, path } of finished.record.outputs) made[name] = fromRoot(path);
    checkUsed(this.run.steps, step.name, made);
    this.outputs[step.name] = made;
    this.finished.set(step.name, finished);
  }

  /** The last step that has some speaks for the whole. */
  private lastTables(): RunRecord['tables'] {
    const all = this.run.steps.map(({ name }) => this.finished.get(name)?.record.tables ?? []);
    return all.findLast((tables) => tables.length > 0) ?? [];
  }

  private write(): void {
    writeRunRecord(this.folder, this.record);
  }
}

const canCome = (status: StepRecord['status']) => status === 'waiting' || status === 'running';

const hasOutputs = (status: StepRecord['status'], folder: string | null) =>
  status === 'done' || (status === 'skipped' && folder !== null);

const how: Partial<Record<StepRecord['status'], string>> = {
  failed: 'failed',
  interrupted: 'was interrupted',
  skipped: 'was skipped',
};

const whyMissing = (decision: StepDecision) =>
  decision.kind === 'missing' && decision.why !== null ? decision.why : 'its stage was never run';

function checkUsed(steps: readonly PlannedStep[], step: string, made: Record<string, string>): void {
  for (const use of steps.flatMap((each) => each.uses)) {
    if (use.step !== step || made[use.output] !== undefined) continue;
    throw new SluiceError(
      'config.pipeline',
      `the pipeline uses \${steps.${step}.${use.output}}, but ${step} made no such output`,
      { hint: `it made: ${Object.keys(made).join(', ')}` },
    );
  }
}

const waiting = ({ name, stage, needs, uses }: PlannedStep): StepRecord => ({
  name,
  stage,
  status: 'waiting',
  folder: null,
  durationSeconds: null,
  needs,
  uses,
});
