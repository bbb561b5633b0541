import { bytesText } from '../../report/format.js';
import { clock } from '../../runner/display/progress-text.js';
import { History } from '../../runner/history.js';
import { type ListedRun, type ListQuery, listRuns, sortedByTheirOwn } from '../../runner/runs/list-runs.js';
import { readCondition } from '../../runner/runs/metric-condition.js';
import type { ShownStatus } from '../../runner/runs/shown-status.js';
import type { CommandLine } from '../arguments.js';
import { findStage, type Project } from '../project.js';
import { tableText } from '../table-text.js';
import { checkNames } from './check-names.js';
import { reportLost } from './lost-report.js';
import { readTime } from './read-time.js';
import { numberText } from './texts.js';
import { type CommandForm, readCount, readWords, wrong } from './words.js';

export const listKeys = ['stage', 'status', 'since', 'until', 'sort', 'limit'] as const;

export const statuses: readonly ShownStatus[] = ['running', 'done', 'failed', 'interrupted', 'lost'];

const form: CommandForm<(typeof listKeys)[number]> = {
  usage: "./run runs stage=pretrain status=done since=2d 'train/loss<3' sort=train/loss limit=10",
  keys: listKeys,
  plain: [0, 100],
};

// A screen of them. JSON is for programs: there are all.
const usualLimit = 40;

/** `./run runs [list]`: the runs of this project, filtered and sorted, newest last. */
export async function listCommand(
  words: readonly string[],
  { log }: CommandLine,
  project: Project,
): Promise<void> {
  const { query, limit } = readQuery(words, project);
  const history = new History(project.root);
  const known = await history.listAndMend();
  checkNames(query, known, project.stages);
  const found = listRuns(known, history, query);
  const asJson = log === 'json';
  const shown = limit ?? (asJson ? 0 : usualLimit);
  const runs = shown === 0 ? found : found.slice(-shown);
  for (const folder of lostFolders(runs, history)) await reportLost(folder);
  project.stdout.write(asJson ? `${JSON.stringify(runs)}\n` : `${text(runs, found.length, query)}\n`);
}

/** Of the lost runs, and of the sweeps whose jobs they are. */
function lostFolders(runs: readonly ListedRun[], history: History): Set<string> {
  const lost = runs.filter(({ shownStatus }) => shownStatus === 'lost');
  const sweeps = lost.flatMap(({ sweep }) =>
    sweep === undefined ? [] : history.folderOf({ folder: sweep }),
  );
  return new Set([...lost.map((run) => history.folderOf(run)), ...sweeps]);
}

function readQuery(words: readonly string[], { stages }: Project): { query: ListQuery; limit?: number } {
  const { plain, options } = readWords(words, form);
  const conditions = plain.map((word) => {
    const condition = readCondition(word);
    if (condition === undefined) throw wrong(`${word} is no condition such as 'train/loss<3'`, form);
    return condition;
  });
  const time = (key: 'since' | 'until') => {
    const given = options[key];
    const read = given === undefined ? undefined : readTime(given);
    if (given !== undefined && read === undefined)
      throw wrong(`${key}=${given}: 30m, 12h, 2d, 1w or a date such as 2026-01-31 is expected`, form);
    return read === undefined ? {} : { [key]: read };
  };
  const limit = readCount(options.limit, 'limit', form);
  const query = {
    ...(options.stage && {
      stages: options.stage.split(',').map((name) => findStage(stages, name)?.name ?? name),
    }),
    ...(options.status && { statuses: options.status.split(',').map(readStatus) }),
    ...time('since'),
    ...time('until'),
    conditions,
    ...(options.sort && { sort: options.sort }),
  };
  return limit === undefined ? { query } : { query, limit };
}

function readStatus(text: string): ShownStatus {
  const found = statuses.find((status) => status === text);
  if (found === undefined) throw wrong(`status=${text}: ${statuses.join(', ')} are there`, form);
  return found;
}

function text(runs: ListedRun[], found: number, { sort }: ListQuery): string {
  const metric = sort !== undefined && !sortedByTheirOwn.includes(sort) ? sort : undefined;
  const owned = runs.some(({ part }) => part !== null);
  const rows = runs.map((run) => [
    run.id,
    run.shownStatus,
    run.durationSeconds === null ? '' : clock(run.durationSeconds),
    run.bytes === null ? '' : bytesText(run.bytes),
    metric === undefined ? figure(run) : metricCell(run, metric),
    ...(owned ? [belongs(run)] : []),
  ]);
  const title =
    runs.length === found
      ? `${found} ${found === 1 ? 'run' : 'runs'}`
      : `the last ${runs.length} of ${found} runs, limit=0 shows all`;
  return tableText({
    title,
    columns: ['run', 'status', 'time', 'size', metric ?? 'figure', ...(owned ? ['part of'] : [])],
    rows,
  });
}

const figure = ({ headline }: ListedRun) =>
  headline === null ? '' : `${headline.name} ${numberText(headline.value)}`;

const metricCell = ({ metrics }: ListedRun, metric: string) =>
  metrics[metric] === undefined ? '' : numberText(metrics[metric]);

function belongs({ part, partOf, steps }: ListedRun): string {
  if (part === 'pipeline') return `pipeline of ${steps!.length}`;
  return part === null ? '' : `${part} of ${partOf}`;
}
