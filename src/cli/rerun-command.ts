import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { composeSaved, type SavedFiles } from '../config/saved.js';
import { SluiceError } from '../errors.js';
import { type RunRecord, readRunRecord } from '../runner/run-record.js';
import type { FinishedRun } from '../runner/run-stage.js';
import type { CommandLine } from './arguments.js';
import { configResolvers } from './config-resolvers.js';
import { findStage, type Project } from './project.js';
import { readyStage } from './ready-stage.js';
import { runAndPrint } from './run-and-print.js';

/**
 * `--experimental-rerun DIR`: the saved config of a run, in a new folder. `${run:…}` in it means the runs that were there
 * when that run started.
 */
export async function rerunCommand(line: CommandLine, project: Project): Promise<number> {
  const { root, stages, cwd, env, stderr } = project;
  const saved = findSaved(resolve(cwd, line.rerun!), root);
  const { record } = saved;
  if (record.steps !== undefined) {
    throw wrong(`${record.id} is a run of a pipeline, whose steps have configs of their own`, {
      hint: `run the pipeline again by ${record.command}, or one of its steps by its folder`,
    });
  }
  const asked = line.command === undefined ? undefined : findStage(stages, line.command);
  const stage = findStage(stages, record.stage);
  if (stage === undefined || (line.command !== undefined && asked !== stage)) {
    throw wrong(`${record.id} is a run of ${record.stage}, not of ${line.command ?? 'a stage there is'}`, {
      hint: './run --experimental-rerun DIR takes the stage from the folder',
    });
  }
  const composed = composeSaved(saved.files, {
    env,
    resolvers: configResolvers(line, project, record.startedAt),
    warn: (message) => void stderr.write(`warning: ${message}\n`),
  });
  const finished = await runAndPrint(await readyStage(stage, composed, project), composed, line, project);
  for (const name of changedInputs(record, finished))
    stderr.write(`warning: the input ${name} is not what ${record.id} had read\n`);
  return finished.record.exitCode!;
}

interface Saved {
  record: RunRecord;
  files: SavedFiles;
}

// A run folder, the folder of its config files (`.hydra`, or what hydra.output_subdir said), or one of these files.
function findSaved(path: string, root: string): Saved {
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

// hydra.output_subdir may be several folders deep.
function runFolderOf(folder: string): string {
  for (let at = folder; dirname(at) !== at; at = dirname(at)) if (existsSync(join(at, 'run.json'))) return at;
  return dirname(folder); // for the message of the reader
}

function changedInputs(record: RunRecord, finished: FinishedRun): string[] {
  const before = new Map(record.inputs.map(({ name, sha256 }) => [name, sha256]));
  return finished.record.inputs
    .filter(({ name, sha256 }) => before.has(name) && before.get(name) !== sha256)
    .map(({ name }) => name);
}

const wrong = (message: string, details: { where?: string; hint?: string }) =>
  new SluiceError('usage.rerun', message, details);
