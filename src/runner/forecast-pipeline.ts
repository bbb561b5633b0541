import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import { composeStep } from './compose-step.js';
import { decideStep, type StepDecision } from './decide-step.js';
import { EarlierRuns } from './earlier-runs.js';
import { FileHashes } from './file-hashes.js';
import { estimateTime, type TimeEstimate } from './forecast-step.js';
import { type PipelineChoice, type StepRule, stepRules } from './pipeline-choice.js';
import { type PlannedStep, standIns } from './pipeline-plan.js';
import { outputsOf, type PipelineRun, type StepOutputs } from './pipeline-run.js';
import { planStage } from './plan-stage.js';
import { type RunError, runError } from './run-record.js';
import type { RunnerHost } from './run-stage.js';
import { shortened } from './shortened.js';
import type { StagePlan } from './stage.js';
import { processBytes, threadsOf, usableShare } from './step-resources.js';

/** What would become of a step, were the pipeline run now. */
export interface StepForecast {
  name: string;
  stage: string;
  /** `missing`: an earlier run is wanted and not there. */
  action: 'reuse' | 'resume' | 'run' | 'missing' | 'left out';
  why: string | null;
  inputs: { step: string; output: string; path: string | null }[];
  /** null where nothing is run. */
  threads: number | null;
  plannedBytes: number | null;
  flops: number | null;
  time: TimeEstimate;
  /** Where the plan rests on what earlier steps would make, by their configs. */
  foreseen: boolean;
  /** Why there is no plan. */
  unplanned: string | null;
  problem: RunError | null;
}

export interface PipelineForecast {
  steps: StepForecast[];
  /** Of memory, now. */
  freeBytes: number;
}

/**
 * `--plan` of a pipeline: what each step would do, need and take. Steps are planned by their stages, in processes of
 * their own; where an earlier step has not run, on what its plan says it will make. Runs nothing and leaves no folder.
 */
export async function forecastPipeline(
  run: PipelineRun,
  host: Pick<RunnerHost, 'root' | 'stagesModule' | 'code'>,
  choice: PipelineChoice,
): Promise<PipelineForecast> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-plan-'));
  const hashes = new FileHashes(join(host.root, 'outputs', 'file-hashes.json'));
  try {
    const forecast = new Forecast(run, host, { rules: stepRules(run.steps, choice), hashes, folder });
    const steps: StepForecast[] = [];
    for (const step of run.steps) steps.push(await forecast.of(step));
    return { steps, freeBytes: forecast.freeBytes };
  } finally {
    hashes.save();
    await rm(folder, { recursive: true, force: true });
  }
}

class Forecast {
  readonly freeBytes = process.availableMemory();
  private readonly run: PipelineRun;
  private readonly host: Pick<RunnerHost, 'root' | 'stagesModule' | 'code'>;
  private readonly rules: Map<string, StepRule>;
  private readonly earlier: EarlierRuns;
  private readonly folder: string;
  private readonly outputs: StepOutputs;
  /** Steps whose outputs are there. */
  private readonly there = new Set<string>();
  /** FLOP/s of products, as the latest plan that measures it found. */
  private peakFlops: number | undefined;
  /** `step.output` of those that a plan has foreseen. */
  private readonly foreseen = new Set<string>();

  constructor(
    run: PipelineRun,
    host: Pick<RunnerHost, 'root' | 'stagesModule' | 'code'>,
    { rules, hashes, folder }: { rules: Map<string, StepRule>; hashes: FileHashes; folder: string },
  ) {
    this.run = run;
    this.host = host;
    this.rules = rules;
    this.earlier = new EarlierRuns(host, hashes);
    this.folder = folder;
    this.outputs = standIns(run.steps);
  }

  async of(step: PlannedStep): Promise<StepForecast> {
    const { name, stage } = step;
    const inputs = step.uses.map((use) => ({ ...use, path: this.pathOf(use) }));
    const nothing = {
      threads: null,
      plannedBytes: null,
      flops: null,
      foreseen: false,
      unplanned: null,
      problem: null,
    };
    const forecast: StepForecast = {
      name,
      stage,
      action: 'run',
      why: null,
      inputs,
      ...nothing,
      time: noTime,
    };
    if (this.rules.get(name) === 'left out')
      return { ...forecast, action: 'left out', why: 'left out by --only' };
    try {
      const decision = await this.decide(step);
      Object.assign(forecast, { why: decision.why, action: decision.action });
      if (decision.action === 'run' || decision.action === 'resume')
        await this.plan(step, decision.composed, forecast);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      forecast.problem = runError(error);
    }
    return forecast;
  }

  private async decide(
    step: PlannedStep,
  ): Promise<{ action: StepForecast['action']; why: string | null; composed: ComposedStage }> {
    const { run, outputs, earlier, host } = this;
    const first = step.needs.find((need) => !this.there.has(need));
    const rule = this.rules.get(step.name)!;
    const config = await run.resolve(outputs);
    const own = await composeStep(run, step, config);
    if (first !== undefined) {
      const wanted = rule === 'earlier';
      return {
        action: wanted ? 'missing' : 'run',
        why: wanted ? `no earlier run to take: it needs ${first}` : `waits for ${first}`,
        composed: own,
      };
    }
    const decision = await decideStep(run, step, { config, composed: own, rule, earlier, root: host.root });
    const { composed } = decision;
    if (decision.kind === 'reuse') {
      this.takeOutputs(step, decision);
      const path = shortened(host.root, decision.run.folder);
      return { action: 'reuse', why: `${decision.reason} as ${path}`, composed };
    }
    if (decision.kind === 'run')
      return { action: decision.resumed ? 'resume' : 'run', why: decision.why, composed };
    return {
      action: 'missing',
      why: `no earlier run to take: ${decision.why ?? 'its stage was never run'}`,
      composed,
    };
  }

  private takeOutputs(step: PlannedStep, { run }: Extract<StepDecision, { kind: 'reuse' }>): void {
    this.outputs[step.name] = { ...this.outputs[step.name], ...outputsOf(run, this.host.root) };
    this.there.add(step.name);
  }

  private async plan(step: PlannedStep, composed: ComposedStage, forecast: StepForecast): Promise<void> {
    const { earlier } = this;
    forecast.threads = threadsOf(composed.config);
    const notThere = step.uses.filter((use) => !this.there.has(use.step));
    const unknown = notThere.find((use) => !this.foreseen.has(`${use.step}.${use.output}`));
    let plan: StagePlan | undefined;
    if (unknown === undefined) {
      forecast.foreseen = notThere.length > 0;
      plan = await this.planned(step, composed, forecast);
    } else {
      const named = [...this.foreseen].filter((output) => output.startsWith(`${unknown.step}.`));
      const also = named.length === 0 ? '' : `; its plan names ${named.join(', ')}`;
      forecast.unplanned = `not known before ${unknown.step} has run and made ${unknown.output}${also}`;
    }
    if (plan !== undefined) {
      forecast.flops = plan.flops ?? null;
      if (plan.plannedBytes !== undefined) forecast.plannedBytes = plan.plannedBytes + processBytes;
      forecast.problem = plan.problem ?? this.tooLarge(forecast.plannedBytes);
    }
    const sameConfig = notThere.length === 0 ? earlier.withConfig(composed) : undefined;
    this.peakFlops = plan?.peakFlops ?? this.peakFlops;
    forecast.time = estimateTime(composed.stage, { sameConfig, plan, earlier, peakFlops: this.peakFlops });
  }

  private async planned(
    step: PlannedStep,
    composed: ComposedStage,
    forecast: StepForecast,
  ): Promise<StagePlan | undefined> {
    const folder = join(this.folder, step.name);
    try {
      const { plan, outputs } = await planStage(composed, this.host, () => {}, folder);
      for (const [output, path] of outputs) {
        this.outputs[step.name] = { ...this.outputs[step.name], [output]: path };
        this.foreseen.add(`${step.name}.${output}`);
      }
      return plan;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.code === 'usage.no_plan') forecast.unplanned = 'its stage has no plan';
      else forecast.problem = runError(error);
      return undefined;
    }
  }

  private tooLarge(bytes: number | null): RunError | null {
    const usable = usableShare * this.freeBytes;
    if (bytes === null || bytes <= usable) return null;
    return {
      code: 'engine.memory',
      message: `it needs ${gibibytes(bytes)}, and ${gibibytes(usable)} may be used`,
      hint: 'a smaller batch, model or length needs less',
    };
  }

  private pathOf({ step, output }: { step: string; output: string }): string | null {
    return this.there.has(step) ? (this.outputs[step]?.[output] ?? null) : null;
  }
}

const noTime: TimeEstimate = { seconds: 0, from: 'nothing is run' };

/** 3 x 2^29 -> `1.50 GiB`. */
export const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
