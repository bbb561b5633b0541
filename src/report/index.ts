import { join, resolve } from 'node:path';
import { writeTextAtomic } from '../checkpoint/index.js';
import type { Now, PageOptions } from './page.js';
import { pipelinePage } from './pipeline-page.js';
import { type PipelineStep, pipelineStep } from './pipeline-step.js';
import { readRunFolder, recordedPath } from './run-folder.js';
import { runPage } from './run-page.js';
import type { StepRecord } from './run-record.js';
import { isSweepFolder, readSweepFolder } from './sweep-folder.js';
import { sweepPage } from './sweep-page.js';

export { durationText, numberText, timeText } from './format.js';
export { type Html, html, raw, relativeLink } from './html.js';
export { pageStyle } from './page-style.js';
export { statusClass } from './status.js';
export { isSweepFolder } from './sweep-folder.js';
export { readSweepManifest, type SweepManifest } from './sweep-manifest.js';
export type { Now, PageOptions };

/**
 * Writes `report.html` into the folder of a run, a pipeline or a sweep, from what is on disk alone, and gives its absolute
 * path. Throws as `reportOf`.
 */
export async function writeReport(directory: string, options: PageOptions = {}): Promise<string> {
  const path = join(resolve(directory), 'report.html');
  writeTextAtomic(path, await reportOf(directory, options));
  return path;
}

/**
 * The page of a folder: that of a run, of a pipeline, which reads the folders of its steps too, or of a sweep.
 * Throws SluiceError `report.not_a_run` where the folder is no sweep's and its run.json is missing or damaged.
 */
export async function reportOf(directory: string, options: PageOptions = {}): Promise<string> {
  const { now } = options;
  if (isSweepFolder(directory)) return sweepPage(await readSweepFolder(directory, now), options);
  const run = await readRunFolder(directory, now);
  if (run.record.steps === undefined) return runPage(run, options);
  const steps = await Promise.all(run.record.steps.map((step) => readStep(run.directory, step, now)));
  return pipelinePage(run, steps, options);
}

/** A step that never started, or whose folder was deleted since, is shown without one. */
async function readStep(pipelineDirectory: string, record: StepRecord, now?: Now): Promise<PipelineStep> {
  if (!record.folder) return pipelineStep(record, null);
  const run = await readRunFolder(recordedPath(pipelineDirectory, record.folder), now).catch(() => null);
  return pipelineStep(record, run);
}
