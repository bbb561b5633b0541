import { join, resolve } from 'node:path';
import { describeError } from '../errors.js';
import { thrownError } from '../runner/run-record.js';
import type { FinishedRun } from '../runner/run-stage.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';
import { tablesOf } from './table-text.js';

/**
 * Standard output of a finished run. `--log json`: one JSON object, the stage's `result` fact, or a summary of the run
 * where it has none or did not end well. Else its tables or result, and where the report is.
 */
export function printResult(run: FinishedRun, log: CommandLine['log'], project: Project): void {
  if (log === 'json') {
    printJson(run, project);
    return;
  }
  const { folder, record } = run;
  const result = resultOf(run);
  for (const table of tablesOf(record)) project.stdout.write(`\n${table}\n`);
  if (result !== undefined) project.stdout.write(`${lines(result)}\n`);
  project.stdout.write(`\nreport: ${join(folder, 'report.html')}\n`);
  printError(run, project);
}

/** The JSON object of a run. With `facts`, those of a job of a sweep, it always says too how the run ended and where it lies. */
export function printJson(run: FinishedRun, project: Project, facts?: Record<string, unknown>): void {
  const { folder, record } = run;
  const { id, stage, status, exitCode, durationSeconds, tables, error, steps } = record;
  const outputs = Object.fromEntries(record.outputs.map(({ name, path }) => [name, resolve(folder, path)]));
  const summary = { id, stage, status, exitCode, durationSeconds, folder, outputs, tables, steps, error };
  const result = resultOf(run);
  const object = facts === undefined ? (result ?? summary) : { ...facts, ...summary, ...result };
  project.stdout.write(`${JSON.stringify(object)}\n`);
  printError(run, project);
}

function resultOf({ record }: FinishedRun): Record<string, unknown> | undefined {
  return record.status === 'done' ? (record.facts.result as Record<string, unknown> | undefined) : undefined;
}

export function printError({ record }: FinishedRun, { stderr }: Project): void {
  if (record.error !== undefined) stderr.write(`${describeError(thrownError(record.error))}\n`);
}

const lines = (result: Record<string, unknown>) =>
  Object.entries(result)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
