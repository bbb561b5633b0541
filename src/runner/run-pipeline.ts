import type { StepDecision } from './decide-step.js';
import { openRecord } from './open-record.js';
import { asFound, type PipelineChoice, type StepRule, stepRules } from './pipeline-choice.js';
import { pipelineEnd } from './pipeline-end.js';
import type { PlannedStep } from './pipeline-plan.js';
import type { PipelineRun } from './pipeline-run.js';
import { createRunFolder, writeHydraFiles } from './run-folder.js';
import { closeRecord, type RunError, runError, writeRunRecord } from './run-record.js';
import { type FinishedRun, noteRun, type RunnerHost, runStage, writeReport } from './run-stage.js';
import { SharedSteps } from './shared-steps.js';
import { StepDecisions } from './step-decisions.js';
import { StepRows } from './step-rows.js';

/**
 * Runs the steps, each a stage in its own process and folder, as soon as what they need is there, side by side where
 * cores and memory allow, and leaves a folder with run.json and a report of the whole. A step that an earlier run has
 * done already is not run again; one that was interrupted goes on from its checkpoint. A step that fails ends those that
 * need it, and no other. Like runStage it does not throw for what stages do; throws `usage.no_earlier_run` before
 * anything starts where `choice` wants earlier runs that are not there, unless it is one of several.
 *
 * @param shared with other pipelines that run at the same time. @param started is told the folder, absolute
 */
export async function runPipeline(
  run: PipelineRun,
  host: RunnerHost,
  choice: PipelineChoice = asFound,
  {
    shared = new SharedSteps(host.root),
    started = () => {},
    oneOfSeveral = false,
  }: PipelineSurroundings = {},
): Promise<FinishedRun> {
  const work = new PipelineWork(run, host, stepRules(run.steps, choice), shared);
  try {
    return await work.all(started, oneOfSeveral);
  } finally {
    shared.releaseAll(work);
    shared.hashes.save();
  }
}

export interface PipelineSurroundings {
  shared?: SharedSteps;
  started?: (folder: string) => void;
  /** What it lacks is then its own failure, in a folder of its own, for the others to go on. */
  oneOfSeveral?: boolean;
}

class PipelineWork {
  private readonly run: PipelineRun;
  private readonly host: RunnerHost;
  private readonly rules: ReadonlyMap<string, StepRule>;
  private readonly shared: SharedSteps;
  private readonly rows: StepRows;
  private readonly decisions: StepDecisions;
  private readonly running = new Map<string, Promise<void>>();
  /** Of steps side by side. */
  private limit = Number.POSITIVE_INFINITY;
  /** Whether a step could go on once other pipelines give something back. */
  private waitsForOthers = false;

  constructor(run: PipelineRun, host: RunnerHost, rules: Map<string, StepRule>, shared: SharedSteps) {
    this.run = run;
    this.host = host;
    this.rules = rules;
    this.shared = shared;
    this.rows = new StepRows(run, host);
    const { outputs } = this.rows;
    this.decisions = new StepDecisions(run, host, { rules, outputs, hashes: shared.hashes });
  }

  async all(started: (folder: string) => void, oneOfSeveral: boolean): Promise<FinishedRun> {
    const { run, host, rows } = this;
    // Before there is a folder of this one.
    let lacking: RunError | undefined;
    try {
      await this.decisions.findEarlier((step, found) => rows.addOutputs(step, found));
    } catch (error) {
      if (!oneOfSeveral) throw error;
      lacking = runError(error);
    }
    const folder = await createRunFolder(run.wantedFolder);
    await writeHydraFiles(folder, run.hydraFiles(folder));
    const config = await run.resolve(rows.outputs);
    if (typeof config.max_parallel === 'number') this.limit = config.max_parallel;
    const began = performance.now();
    const record = await openRecord(run, folder, host, { config, stage: run.name, steps: rows.all });
    rows.writeTo(folder, record);
    await noteRun(folder, record, host);
    started(folder);
    if (lacking === undefined) await this.work();
    const end = pipelineEnd(rows.all, host.interrupt.requested, lacking);
    Object.assign(record, rows.lastTables, end);
    closeRecord(record, began);
    writeRunRecord(folder, record);
    await noteRun(folder, record, host);
    await writeReport(folder, host);
    return { folder, record };
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
    const { run, rules, rows } = this;
    this.waitsForOthers = false;
    for (const step of run.steps.filter((each) => rows.isWaiting(each))) {
      const needs = rows.needsOf(step);
      if (rules.get(step.name) === 'left out') rows.skip(step, 'left out by --only');
      else if (typeof needs === 'object') rows.skip(step, needs.lacking);
      else if (needs === 'to come' || !(await this.settle(step))) continue;
      return true;
    }
    return false;
  }

  /** Gives false where another pipeline makes the step, or it must run and there is no room beside those that do. */
  private async settle(step: PlannedStep): Promise<boolean> {
    const { rules, rows, decisions, shared } = this;
    let letGo = () => {};
    try {
      const { key } = await decisions.compose(step);
      // What another one makes at the moment is there to be taken in the end.
      if (rules.get(step.name) === 'as found' && !shared.claim(key, this)) return this.waits();
      letGo = () => shared.release(key, this);
      const decision = await decisions.decide(step);
      if (decision.kind !== 'reuse') return await this.start(step, decision, letGo);
      rows.reuse(step, decision);
    } catch (error) {
      rows.giveUp(step, error);
    }
    letGo();
    return true;
  }

  private async start(step: PlannedStep, decision: StepDecision, ended: () => void): Promise<boolean> {
    const { host, rows, shared, running } = this;
    if (running.size >= this.limit) return false;
    const need = this.decisions.needOf(step, decision);
    if (!(await shared.take(need))) return this.waits();
    if (host.interrupt.requested) {
      shared.give(need);
      return false;
    }
    rows.begin(step);
    const work = this.runStep(step, decision)
      .catch((error: unknown) => rows.giveUp(step, error))
      .finally(() => {
        running.delete(step.name);
        shared.give(need);
        ended();
      });
    running.set(step.name, work);
    return true;
  }

  private waits(): false {
    this.waitsForOthers = true;
    return false;
  }

  private async runStep(step: PlannedStep, decision: StepDecision): Promise<void> {
    const { run, host, rows } = this;
    const { composed, why } = decision as Extract<StepDecision, { kind: 'run' }>;
    const command = `${run.command} # step ${step.name}`;
    const finished = await runStage({ ...composed, label: step.name, command }, host, (folder) => {
      rows.started(step, folder);
      if (why !== null) host.display.event(step.name, { type: 'log', level: 'info', text: why });
    });
    rows.ended(step, finished);
  }
}
