import { resolve } from 'node:path';
import { composeSaved } from '../config/saved.js';
import type { RunRecord } from '../runner/run-record.js';
import type { FinishedRun } from '../runner/run-stage.js';
import type { CommandLine } from './arguments.js';
import { configResolvers } from './config-resolvers.js';
import type { Project } from './project.js';
import { readyStage } from './ready-stage.js';
import { runAndPrint } from './run-and-print.js';
import { findSaved, stageOfRun } from './saved-run.js';

/**
 * `--experimental-rerun DIR`: the saved config of a run, in a new folder. `${run:…}` in it means the runs that were there
 * when that run started.
 */
export async function rerunCommand(line: CommandLine, project: Project): Promise<number> {
  const { root, cwd, env, stderr } = project;
  const saved = findSaved(resolve(cwd, line.rerun!), root);
  const { record } = saved;
  const stage = stageOfRun(record, project, line.command);
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

function changedInputs(record: RunRecord, finished: FinishedRun): string[] {
  const before = new Map(record.inputs.map(({ name, sha256 }) => [name, sha256]));
  return finished.record.inputs
    .filter(({ name, sha256 }) => before.has(name) && before.get(name) !== sha256)
    .map(({ name }) => name);
}
