import { relative, resolve } from 'node:path';
import { SchemaError, type Violation } from '../config/schema.js';
import { SluiceError } from '../errors.js';
import type { ComposeStage } from './compose-stage.js';
import { openRecord } from './open-record.js';
import { type PlannedStep, standIn, stepOverrides } from './pipeline-plan.js';
import { createRunFolder, type HydraFiles, writeHydraFiles } from './run-folder.js';
import {
  closeRecord,
  type RunRecord,
  type RunStatus,
  recordedPath,
  runError,
  type StepRecord,
  writeRunRecord,
} from './run-record.js';
import { type FinishedRun, noteRun, type RunnerHost, runStage, writeReport } from './run-stage.js';

/** A pipeline, planned, ready to run. */
export interface PipelineRun {
  name: string;
  steps: PlannedStep[];
  /** The pipeline's config, resolved with these paths for `${steps.<step>.<output>}`. */
  resolve(outputs: StepOutputs): Promise<Record<string, unknown>>;
  composeStage: ComposeStage;
  /** Where the value at a path of the pipeline's config comes from. */
  placeOf(path: string): string | undefined;
  hydraFiles(folder: string): HydraFiles;
  /** Absolute. */
  wantedFolder: string;
  command: string;
}

/** Step -> output name -> path, relative to the project root where inside it. `folder` is an output of every step. */
export type StepOutputs = Record<string, Record<string, string>>;

/**
 * Composes every step, with stand-ins for paths that no step has made yet, so that a wrong key in the last step stops
 * the pipeline before the first one starts. Throws one SluiceError with all that is wrong in any step, after what is
 * known to be wrong with the pipeline itself.
 */
export async function checkPipeline(run: PipelineRun, known: readonly Violation[] = []): Promise<void> {
  const config = await run.resolve(standIns(run)).catch((error: unknown) => {
    throw known.length > 0 ? new SchemaError(known) : error;
  });
  const violations = [...known];
  for (const step of run.steps) {
    try {
      await composeStep(run, step, config);
    } catch (error) {
      if (!(error instanceof SluiceError) || !error.code.startsWith('config.')) throw error;
      violations.push(...violationsOf(error, step.name));
    }
  }
  if (violations.length > 0) throw new SchemaError(violations);
}

function violationsOf(error: SluiceError, step: string): Violation[] {
  const path = `step ${step}`;
  if (!(error instanceof SchemaError)) {
    const { message, where, hint } = error;
    return [{ path, message, where, hint }];
  }
  return error.violations.map((violation) => ({
    ...violation,
    path: violation.path === '' ? path : `${path}: ${violation.path}`,
  }));
}

/**
 * Runs the steps one after another, each a stage in its own process and folder, and leaves a folder with run.json and
 * a report of the whole. The first step that is not `done` ends it. Like runStage it does not throw for what stages do.
 */
export async function runPipeline(run: PipelineRun, host: RunnerHost): Promise<FinishedRun> {
  const folder = await createRunFolder(run.wantedFolder);
  await writeHydraFiles(folder, run.hydraFiles(folder));
  const config = await run.resolve(standIns(run));
  const record = await openRecord(run, folder, host.root, {
    config,
    stage: run.name,
    steps: waiting(run.steps),
  });
  await noteRun(folder, record, host);

  const outputs = standIns(run);
  for (const [index, step] of run.steps.entries()) {
    const row = record.steps![index]!;
    record.status = row.status = 'running'; // the steps so far were good, the whole is not over
    writeRunRecord(folder, record);
    const status = await runStep(run, step, outputs, host).then(
      (finished) => takeOver(record, row, finished, folder, host.root),
      (error: unknown) => giveUp(record, row, error),
    );
    if (status !== 'done') break;
  }
  closeRecord(record);
  writeRunRecord(folder, record);
  await noteRun(folder, record, host);
  await writeReport(folder, host);
  return { folder, record };
}

// Adds what the step made to `outputs`.
async function runStep(run: PipelineRun, step: PlannedStep, outputs: StepOutputs, host: RunnerHost) {
  const composed = await composeStep(run, step, await run.resolve(outputs));
  const command = `${run.command} # step ${step.name}`;
  const finished = await runStage({ ...composed, label: step.name, command }, host);

  const fromRoot = (path: string) => relative(host.root, resolve(finished.folder, path));
  const made: Record<string, string> = { folder: fromRoot('.') };
  for (const { name, path } of finished.record.outputs) made[name] = fromRoot(path);
  if (finished.record.status === 'done') checkUsed(run, step.name, made);
  outputs[step.name] = made;
  return finished;
}

// Better told when the step ends than an hour later, when another wants it.
function checkUsed(run: PipelineRun, step: string, made: Record<string, string>): void {
  for (const use of run.steps.flatMap((each) => each.uses)) {
    if (use.step !== step || made[use.output] !== undefined) continue;
    throw new SluiceError(
      'config.pipeline',
      `the pipeline uses \${steps.${step}.${use.output}}, but ${step} made no such output`,
      {
        hint: `it made: ${Object.keys(made).join(', ')}`,
      },
    );
  }
}

/** Throws what composing throws, with the places in the pipeline that the step's overrides come from. */
async function composeStep(run: PipelineRun, step: PlannedStep, config: Record<string, unknown>) {
  const overrides = stepOverrides(config, step.name);
  // The longest first: one text may begin as another does.
  const sources = overrides.toSorted((a, b) => b.text.length - a.text.length);
  const inPipeline = (where: string | undefined) =>
    sources.reduce(
      (place, { text, path }) =>
        place?.replaceAll(`override ${text}`, run.placeOf(path) ?? `override ${text}`),
      where,
    );
  try {
    return await run.composeStage(
      step.stage,
      overrides.map(({ text }) => text),
    );
  } catch (error) {
    if (error instanceof SchemaError) {
      throw new SchemaError(
        error.violations.map((violation) => ({ ...violation, where: inPipeline(violation.where) })),
      );
    }
    if (!(error instanceof SluiceError)) throw error;
    const { code, message, hint, cause } = error;
    const where = inPipeline(error.where) ?? run.placeOf(`steps.${step.name}.stage`) ?? `step ${step.name}`;
    throw new SluiceError(code, message, { where, ...(hint === undefined ? {} : { hint }), cause });
  }
}

function standIns(run: PipelineRun): StepOutputs {
  const paths: StepOutputs = {};
  for (const { step, output } of run.steps.flatMap((each) => each.uses)) {
    (paths[step] ??= {})[output] = standIn(step, output);
  }
  return paths;
}

function waiting(steps: PlannedStep[]): StepRecord[] {
  return steps.map(({ name, stage, needs, uses }) => ({
    name,
    stage,
    status: 'waiting',
    folder: null,
    durationSeconds: null,
    needs,
    uses,
  }));
}

function takeOver(
  record: RunRecord,
  row: StepRecord,
  finished: FinishedRun,
  folder: string,
  root: string,
): RunStatus {
  const { status, durationSeconds, tables, error, exitCode } = finished.record;
  Object.assign(row, { status, durationSeconds, folder: recordedPath(finished.folder, folder, root) });
  if (tables.length > 0) record.tables = tables; // the last step that has some speaks for the whole
  Object.assign(record, { status, exitCode }, error === undefined ? {} : { error });
  return status;
}

function giveUp(record: RunRecord, row: StepRecord, error: unknown): RunStatus {
  row.status = 'failed';
  record.error = runError(error);
  record.status = 'failed';
  record.exitCode = error instanceof SluiceError ? error.exitCode : 1;
  return record.status;
}
