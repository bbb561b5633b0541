import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import { composeStep } from './compose-step.js';
import { decideStep, type StepDecision } from './decide-step.js';
import { EarlierRuns } from './earlier-runs.js';
import type { FileHashes } from './file-hashes.js';
import type { StepRule } from './pipeline-choice.js';
import type { PlannedStep } from './pipeline-plan.js';
import type { PipelineRun, StepOutputs } from './pipeline-run.js';
import { plannedBytes } from './planned-bytes.js';
import type { FinishedRun, RunnerHost } from './run-stage.js';
import { stepKey } from './step-key.js';
import { type StepNeed, threadsOf } from './step-resources.js';

/** A step with the outputs of those before it in its config. */
interface ComposedStep {
  /** Of the pipeline. */
  config: Record<string, unknown>;
  composed: ComposedStage;
  /** See stepKey. */
  key: string;
}

/** What becomes of the steps of a pipeline, each decided once: when all that it needs is there. */
export class StepDecisions {
  private readonly run: PipelineRun;
  private readonly host: RunnerHost;
  private readonly rules: ReadonlyMap<string, StepRule>;
  private readonly outputs: StepOutputs;
  private readonly earlier: EarlierRuns;
  private readonly composed = new Map<string, ComposedStep>();
  private readonly decided = new Map<string, StepDecision>();
  private readonly needs = new Map<string, StepNeed>();

  /** `outputs` of the steps so far; it grows while the pipeline runs. */
  constructor(
    run: PipelineRun,
    host: RunnerHost,
    {
      rules,
      outputs,
      hashes,
    }: { rules: ReadonlyMap<string, StepRule>; outputs: StepOutputs; hashes: FileHashes },
  ) {
    this.run = run;
    this.host = host;
    this.rules = rules;
    this.outputs = outputs;
    this.earlier = new EarlierRuns(host, hashes);
  }

  /** Throws what composing throws. */
  async compose(step: PlannedStep): Promise<ComposedStep> {
    const known = this.composed.get(step.name);
    if (known !== undefined) return known;
    const config = await this.run.resolve(this.outputs);
    const composed = await composeStep(this.run, step, config);
    const made = { config, composed, key: stepKey(composed) };
    this.composed.set(step.name, made);
    return made;
  }

  /** Throws what composing throws. */
  async decide(step: PlannedStep): Promise<StepDecision> {
    const { run, rules, earlier, host } = this;
    const known = this.decided.get(step.name);
    if (known !== undefined) return known;
    const { config, composed } = await this.compose(step);
    const rule = rules.get(step.name)!;
    const decision = await decideStep(run, step, { config, composed, rule, earlier, root: host.root });
    this.decided.set(step.name, decision);
    return decision;
  }

  /**
   * Decides the steps that an earlier run must have done; `take` is given each. Throws SluiceError
   * `usage.no_earlier_run` with all that are not there.
   */
  async findEarlier(take: (step: PlannedStep, run: FinishedRun) => void): Promise<void> {
    const missing = new Map<string, string>();
    for (const step of this.run.steps) {
      if (this.rules.get(step.name) !== 'earlier') continue;
      const lacking = step.needs.find((need) => missing.has(need));
      const decision = lacking === undefined ? await this.decide(step) : undefined;
      if (decision?.kind === 'reuse') take(step, decision.run);
      else missing.set(step.name, decision === undefined ? `needs ${lacking}` : whyMissing(decision));
    }
    if (missing.size === 0) return;
    const lines = [...missing].map(([step, why]) => `  ${step}: ${why}`);
    throw new SluiceError(
      'usage.no_earlier_run',
      `there is no earlier run to take for\n${lines.join('\n')}`,
      { hint: 'without --from and --only every step is run that has to be' },
    );
  }

  /** Of a step that is to run; its memory is planned once, however often there is no room for it. */
  needOf({ name }: PlannedStep, { composed }: StepDecision): StepNeed {
    let bytes: Promise<number | null> | undefined;
    const need = this.needs.get(name) ?? {
      threads: threadsOf(composed.config),
      bytes: () => (bytes ??= plannedBytes(composed, this.host, this.earlier)),
    };
    this.needs.set(name, need);
    return need;
  }
}

const whyMissing = (decision: StepDecision) =>
  decision.kind === 'missing' && decision.why !== null ? decision.why : 'its stage was never run';
