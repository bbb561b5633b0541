import { SluiceError } from '../errors.js';
import type { StepDecision } from './decide-step.js';
import { type PlannedStep, standIns } from './pipeline-plan.js';
import { outputsOf, type PipelineRun, type StepOutputs } from './pipeline-run.js';
import { type RunRecord, recordedPath, runError, type StepRecord, writeRunRecord } from './run-record.js';
import type { FinishedRun, RunnerHost } from './run-stage.js';
import { shortened } from './shortened.js';

/** The steps of a pipeline in its run.json, and what they have made. Every change is written, and shown where it is news. */
export class StepRows {
  /** Stand-ins for what is not there yet. */
  readonly outputs: StepOutputs;
  private readonly run: PipelineRun;
  private readonly host: RunnerHost;
  private readonly rows: ReadonlyMap<string, StepRecord>;
  private readonly finished = new Map<string, FinishedRun>();
  private written: { folder: string; record: RunRecord } | undefined;

  constructor(run: PipelineRun, host: RunnerHost) {
    this.run = run;
    this.host = host;
    this.outputs = standIns(run.steps);
    this.rows = new Map(run.steps.map((step) => [step.name, waiting(step)]));
  }

  get all(): StepRecord[] {
    return [...this.rows.values()];
  }

  /** From now on changes are written into that folder. */
  writeTo(folder: string, record: RunRecord): void {
    this.written = { folder, record };
  }

  isWaiting({ name }: PlannedStep): boolean {
    return this.rows.get(name)!.status === 'waiting';
  }

  /** Whether a step has what it needs; or why it never will. */
  needsOf({ needs }: PlannedStep): 'there' | 'to come' | { lacking: string } {
    const needed = needs.map((need) => this.rows.get(need)!);
    const lost = needed.find((row) => !canCome(row) && !hasOutputs(row));
    if (lost !== undefined) return { lacking: `it needs ${lost.name}, which ${how[lost.status]}` };
    return needed.every(hasOutputs) ? 'there' : 'to come';
  }

  begin({ name }: PlannedStep): void {
    this.change(name, { status: 'running' });
  }

  /** `folder`: absolute. */
  started({ name }: PlannedStep, folder: string): void {
    this.change(name, { folder: this.pathOf(folder) });
  }

  ended(step: PlannedStep, finished: FinishedRun): void {
    const { status, durationSeconds, error } = finished.record;
    const told = { durationSeconds, ...(error === undefined ? {} : { error }) };
    Object.assign(this.rows.get(step.name)!, told);
    if (status === 'done') this.addOutputs(step, finished);
    this.change(step.name, { status });
  }

  reuse(step: PlannedStep, { run, reason }: Extract<StepDecision, { kind: 'reuse' }>): void {
    this.addOutputs(step, run);
    this.change(step.name, { status: 'skipped', reason, folder: this.pathOf(run.folder) });
    this.host.display.skipped?.(step.name, reason, shortened(this.host.root, run.folder));
  }

  skip({ name }: PlannedStep, reason: string): void {
    this.change(name, { status: 'skipped', reason });
    this.host.display.skipped?.(name, reason);
  }

  giveUp({ name }: PlannedStep, error: unknown): void {
    this.change(name, { status: 'failed', error: runError(error) });
    this.host.display.ended(name, 'failed', this.rows.get(name)!.durationSeconds ?? 0);
  }

  /** Throws SluiceError where the step did not make what another uses: better told now than when that one wants it. */
  addOutputs(step: PlannedStep, finished: FinishedRun): void {
    const made = outputsOf(finished, this.host.root);
    checkUsed(this.run.steps, step.name, made);
    this.outputs[step.name] = made;
    this.finished.set(step.name, finished);
  }

  /** The last step that has some speaks for the whole. */
  get lastTables(): Pick<RunRecord, 'tables' | 'tablesOf'> {
    const all = this.run.steps.map(({ name }) => ({
      tables: this.finished.get(name)?.record.tables ?? [],
      tablesOf: name,
    }));
    return all.findLast(({ tables }) => tables.length > 0) ?? { tables: [] };
  }

  private change(name: string, news: Partial<StepRecord>): void {
    Object.assign(this.rows.get(name)!, news);
    if (this.written !== undefined) writeRunRecord(this.written.folder, this.written.record);
  }

  private pathOf(path: string): string {
    return recordedPath(path, this.written!.folder, this.host.root);
  }
}

const canCome = ({ status }: StepRecord) => status === 'waiting' || status === 'running';

const hasOutputs = ({ status, folder }: StepRecord) =>
  status === 'done' || (status === 'skipped' && folder !== null);

const how: Partial<Record<StepRecord['status'], string>> = {
  failed: 'failed',
  interrupted: 'was interrupted',
  skipped: 'was skipped',
};

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
