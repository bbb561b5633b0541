import { join, relative, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { decideStep, type StepDecision } from './decide-step.js';
import { EarlierRuns } from './earlier-runs.js';
import { FileHashes } from './file-hashes.js';
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
import { StepResources, threadsOf } from './step-resources.js';

/**
 * Runs the steps, each a stage in its own process and folder, as soon as what they need is there, side by side where
 * cores and memory allow, and leaves a folder with run.json and a report of the whole. A step that an earlier run has
 * done already is not run again; one that was interrupted goes on from its checkpoint. A step that fails ends those that
 * need it, and no other. Like runStage it does not throw for what stages do; throws `usage.no_earlier_run` before
 * anything starts where `choice` wants earlier runs that are not there.
 */
export async function runPipeline(
  run: PipelineRun,
  host: RunnerHost,
  choice: PipelineChoice = asFound,
): Promise<FinishedRun> {
  const hashes = new FileHashes(join(host.root, 'outputs', 'file-hashes.json'));
  try {
    return await new PipelineWork(run, host, stepRules(run.steps, choice), hashes).all();
  } finally {
    hashes.save();
  }
}

class PipelineWork {
  private readonly run: PipelineRun;
  private readonly host: RunnerHost;
  private readonly rules: Map<string, StepRule>;
  private readonly earlier: EarlierRuns;
  private readonly outputs: StepOutputs;
  private readonly rows = new Map<string, StepRecord>();
  private readonly decisions = new Map<string, StepDecision>();
  private readonly bytes = new Map<string, Promise<number | null>>();
  private readonly finished = new Map<string, FinishedRun>();
  private readonly running = new Map<string, Promise<void>>();
  private resources = new StepResources(null);
  private folder = '';
  private record!: RunRecord;

  constructor(run: PipelineRun, host: RunnerHost, rules: Map<string, StepRule>, hashes: FileHashes) {
    this.run = run;
    this.host = host;
    this.rules = rules;
    this.earlier = new EarlierRuns(host, hashes);
    this.outputs = standIns(run.steps);
    for (const step of run.steps) this.rows.set(step.name, waiting(step));
  }

  async all(): Promise<FinishedRun> {
    const { run, host, rows } = this;
    await this.findEarlier();
    const folder = await createRunFolder(run.wantedFolder);
    this.folder = folder;
    await writeHydraFiles(folder, run.hydraFiles(folder));
    const config = await run.resolve(this.outputs);
    this.resources = new StepResources((config.max_parallel ?? null) as number | null);
    const began = performance.now();
    this.record = await openRecord(run, folder, host, {
      config,
      stage: run.name,
      steps: [...rows.values()],
    });
    await noteRun(folder, this.record, host);
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
    for (;;) {
      while (!this.host.interrupt.requested && (await this.settleOne()));
      if (this.running.size === 0) return;
      await Promise.race(this.running.values());
    }
  }

  /** Starts, reuses or skips the first step that can be; gives false where there is none. */
  private async settleOne(): Promise<boolean> {
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
        return this.giveUp(row, error);
      }
    }
    return false;
  }

  /** Gives false where the step must run and there is no room beside those that do. */
  private async settle(step: PlannedStep, row: StepRecord): Promise<boolean> {
    const { host, resources } = this;
    const decision = await this.decide(step);
    if (decision.kind === 'reuse') return this.reuse(step, row, decision);
    const threads = threadsOf(decision.composed.config);
    if (!resources.letThreads(threads) || !(await this.memoryLets(step)) || host.interrupt.requested)
      return false;
    resources.take(step.name, threads);
    row.status = 'running';
    this.write();
    const work = this.runStep(step, row, decision)
      .catch((error: unknown) => void this.giveUp(row, error))
      .finally(() => {
        resources.give(step.name);
        this.running.delete(step.name);
      });
    this.running.set(step.name, work);
    return true;
  }

  private async decide(step: PlannedStep): Promise<StepDecision> {
    const { run, rules, outputs, earlier, host } = this;
    const known = this.decisions.get(step.name);
    if (known !== undefined) return known;
    const rule = rules.get(step.name)!;
    const decision = await decideStep(run, step, { rule, outputs, earlier, root: host.root });
    this.decisions.set(step.name, decision);
    return decision;
  }

  // Planning takes a second: only where there is another step to run beside.
  private async memoryLets(step: PlannedStep): Promise<boolean> {
    const { resources, decisions, host, earlier } = this;
    if (resources.running.length === 0) return true;
    const all = [...resources.running, step.name].map((name) => {
      const known = this.bytes.get(name) ?? plannedBytes(decisions.get(name)!.composed, host, earlier);
      this.bytes.set(name, known);
      return known;
    });
    return resources.letMemory(await Promise.all(all));
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
  ): true {
    const { host } = this;
    this.addOutputs(step, run);
    Object.assign(row, {
      status: 'skipped',
      reason,
      folder: recordedPath(run.folder, this.folder, host.root),
    });
    this.write();
    host.display.skipped?.(step.name, reason, relative(host.root, run.folder));
    return true;
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
