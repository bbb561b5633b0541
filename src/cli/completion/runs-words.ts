import { History } from '../../runner/history.js';
import type { Project } from '../project.js';
import { runsWords } from '../runs/command.js';
import { listKeys, statuses } from '../runs/list.js';
import { filesBelow } from './files.js';

/** What may follow `./run runs …`: a word of its own, an option and its values, or a run. */
export function runsCandidates(words: readonly string[], current: string, project: Project): string[] {
  const [command, ...rest] = words;
  const listing = command === undefined || command === 'list' || command.includes('=');
  const options = listing ? optionWords(current, project) : [];
  if (command === undefined) return [...runsWords, ...options];
  if (listing) return options;
  if (command === 'trace') return rest.length === 0 ? filesBelow(project.cwd, current) : [];
  return takesRuns(command) > rest.length ? runWords(project) : [];
}

const takesRuns = (command: string) => ({ show: 1, diff: 2, rerun: 1 })[command] ?? 0;

function optionWords(current: string, { root, stages }: Project): string[] {
  const [key] = current.split('=') as [string];
  if (!current.includes('=')) return listKeys.map((name) => `${name}=`);
  const runs = new History(root).list();
  const values: Record<string, () => Iterable<string>> = {
    stage: () => new Set([...runs.map(({ stage }) => stage), ...stages.map(({ name }) => name)]),
    status: () => statuses,
    since: () => ['1h', '1d', '1w'],
    sort: () =>
      new Set(['started', 'duration', 'size', ...runs.flatMap(({ metrics }) => Object.keys(metrics))]),
  };
  return [...(values[key]?.() ?? [])].map((value) => `${key}=${value}`);
}

function runWords({ root }: Project): string[] {
  const runs = new History(root).list();
  return ['latest', ...new Set(runs.map(({ stage }) => `latest:${stage}`)), ...runs.map(({ id }) => id)];
}
