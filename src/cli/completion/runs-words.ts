import { History } from '../../runner/history.js';
import { garbageKinds } from '../../runner/runs/garbage.js';
import type { Project } from '../project.js';
import { runsWords } from '../runs/command.js';
import { listKeys, statuses } from '../runs/list.js';
import { filesBelow } from './files.js';

/** What may follow `./run runs …`: a word of its own, an option and its values, a run, or a file. */
export function runsCandidates(words: readonly string[], current: string, project: Project): string[] {
  const [command, ...rest] = words;
  if (command === undefined) return [...runsWords, ...listOptions(current, project)];
  if (command === 'list' || /[=<>]/.test(command)) return listOptions(current, project);
  const given = rest.filter((word) => !word.includes('=')).length;
  const files = command === 'trace' && given === 0 ? filesBelow(project.cwd, current) : [];
  const runs = given < (takesRuns[command] ?? 0) ? runWords(project) : [];
  return [...runs, ...files, ...(options[command] ?? [])];
}

const takesRuns: Readonly<Record<string, number>> = { show: 1, diff: 2, trace: 1, rerun: 1, export: 1 };

const options: Readonly<Record<string, readonly string[]>> = {
  trace: ['check=false'],
  rerun: ['allow_changed=true'],
  export: ['to=mlflow', 'to=wandb'],
  gc: ['delete=true', 'keep=', ...garbageKinds.map((kind) => `only=${kind}`)],
};

function listOptions(current: string, { root, stages }: Project): string[] {
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
