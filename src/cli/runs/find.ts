import { History } from '../../runner/history.js';
import { type FoundRun, findRun, type RunsAt } from '../../runner/runs/find-run.js';
import { findStage, type Project } from '../project.js';

/** How the words of a command line are looked up among the runs of a project. */
export function runsAt({ root, cwd, stages }: Project): RunsAt {
  return {
    history: new History(root),
    bases: [...new Set([cwd, root])],
    canonical: (name) => findStage(stages, name)?.name ?? name,
  };
}

/** See findRun. */
export const foundRun = (word: string, project: Project): FoundRun => findRun(word, runsAt(project));
