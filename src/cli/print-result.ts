import { join, resolve } from 'node:path';
import { describeError } from '../errors.js';
import { thrownError } from '../runner/run-record.js';
import type { FinishedRun } from '../runner/run-stage.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';
import { tableText } from './table-text.js';

/**
 * Standard output of a finished run. `--log json`: one JSON object, the stage's `result` fact, or a summary of the run
 * where it has none or did not end well. Else its tables or result, and where the report is.
 */
export function printResult(
  { folder, record }: FinishedRun,
  log: CommandLine['log'],
  project: Project,
): void {
  const { stdout, stderr } = project;
  const result = record.status === 'done' ? record.facts.result : undefined;
  if (log === 'json') {
    const { id, stage, status, exitCode, durationSeconds, tables, error, steps } = record;
    const outputs = Object.fromEntries(record.outputs.map(({ name, path }) => [name, resolve(folder, path)]));
    const summary = { id, stage, status, exitCode, durationSeconds, folder, outputs, tables, steps, error };
    stdout.write(`${JSON.stringify(result ?? summary)}\n`);
  } else {
    for (const table of record.tables) stdout.write(`\n${tableText(table)}\n`);
    if (result !== undefined) stdout.write(`${lines(result as Record<string, unknown>)}\n`);
    stdout.write(`\nreport: ${join(folder, 'report.html')}\n`);
  }
  if (record.error !== undefined) stderr.write(`${describeError(thrownError(record.error))}\n`);
}

const lines = (result: Record<string, unknown>) =>
  Object.entries(result)
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n');
