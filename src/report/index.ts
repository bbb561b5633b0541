import { join, resolve } from 'node:path';
import { writeTextAtomic } from '../checkpoint/index.js';
import { type PipelineStep, pipelinePage } from './pipeline-page.js';
import { readRunFolder, recordedPath } from './run-folder.js';
import { runPage } from './run-page.js';
import type { StepRecord } from './run-record.js';

/**
 * Writes `report.html` into a run folder, from what is in the folder alone, and gives its absolute path. A folder
 * of a pipeline gets the pipeline's page.
 * Throws SluiceError `report.not_a_run` where run.json is missing or damaged.
 */
export async function writeReport(runDirectory: string): Promise<string> {
  const run = await readRunFolder(runDirectory);
  if (run.record.steps !== undefined) return await writePipelineReport(runDirectory);
  return writePage(run.directory, runPage(run));
}

/** Writes `report.html` into a pipeline's folder, from it and the folders of its steps. As `writeReport` otherwise. */
export async function writePipelineReport(pipelineDirectory: string): Promise<string> {
  const pipeline = await readRunFolder(pipelineDirectory);
  const steps = await Promise.all(
    (pipeline.record.steps ?? []).map((step) => readStep(pipeline.directory, step)),
  );
  return writePage(pipeline.directory, pipelinePage(pipeline, steps));
}

/** A step that never started, or whose folder was deleted since, is shown without one. */
async function readStep(pipelineDirectory: string, record: StepRecord): Promise<PipelineStep> {
  if (!record.folder) return { record, run: null };
  const run = await readRunFolder(recordedPath(pipelineDirectory, record.folder)).catch(() => null);
  return { record, run };
}

function writePage(directory: string, text: string): string {
  const path = join(resolve(directory), 'report.html');
  writeTextAtomic(path, text);
  return path;
}
