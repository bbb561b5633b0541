import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { SavedFiles } from '../config/saved.js';
import { SluiceError } from '../errors.js';
import { type RunRecord, readRunRecord } from '../runner/run-record.js';
import type { StageEntry } from '../runner/stage.js';
import { findStage, type Project } from './project.js';

/** A run with the config files that it left. */
export interface SavedRun {
  record: RunRecord;
  files: SavedFiles;
}

/**
 * What was saved at a path: a run folder, the folder of its config files (`.hydra`, or what hydra.output_subdir said), or
 * one of these files. Throws SluiceError `usage.rerun` where there is nothing of the kind.
 */
export function findSaved(path: string, root: string): SavedRun {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw wrong('there is no such run folder', { where: path });
  const start = found.isDirectory() ? path : dirname(path);
  const folder = [start, join(start, '.hydra')].find((each) => existsSync(join(each, 'hydra.yaml')));
  if (folder === undefined) {
    throw wrong('this folder has no saved config: no hydra.yaml in it, nor in its .hydra', {
      where: path,
      hint: 'give a folder such as outputs/pretrain/2026-01-31/12-00-00; hydra.output_subdir names another than .hydra',
    });
  }
  const read = (name: string) => {
    const file = join(folder, name);
    return { text: readFileSync(file, 'utf8'), name: relative(root, file) };
  };
  return {
    record: readRunRecord(runFolderOf(folder)),
    files: { config: read('config.yaml'), hydra: read('hydra.yaml') },
  };
}

/** The stage that a run was of, which must be the one asked for; pipelines are refused. */
export function stageOfRun(
  { id, stage: name, steps, command }: RunRecord,
  { stages }: Project,
  asked?: string,
): StageEntry {
  if (steps !== undefined) {
    throw wrong(`${id} is a run of a pipeline, whose steps have configs of their own`, {
      hint: `run the pipeline again by ${command}, or one of its steps by its folder`,
    });
  }
  const stage = findStage(stages, name);
  if (stage === undefined || (asked !== undefined && findStage(stages, asked) !== stage)) {
    throw wrong(`${id} is a run of ${name}, not of ${asked ?? 'a stage there is'}`, {
      hint: './run --experimental-rerun DIR takes the stage from the folder',
    });
  }
  return stage;
}

// hydra.output_subdir may be several folders deep.
function runFolderOf(folder: string): string {
  for (let at = folder; dirname(at) !== at; at = dirname(at)) if (existsSync(join(at, 'run.json'))) return at;
  return dirname(folder); // for the message of the reader
}

const wrong = (message: string, details: { where?: string; hint?: string }) =>
  new SluiceError('usage.rerun', message, details);
