import { join } from 'node:path';
import { durationText, numberText } from '../format.js';
import { type Html, html, relativeLink } from '../html.js';
import { shortKey } from '../short-key.js';
import { statusClass } from '../status.js';
import { finalValue, jobPath, type SweepFolder, type SweepJob, seriesOf } from '../sweep-folder.js';
import { rank } from './curves.js';

/** Final metrics shown beside what jobs are judged by. */
const MORE_METRICS = 3;

/** More rows than these scroll in a frame of their own: what came of them stands below. */
const MANY_JOBS = 30;

/** The jobs side by side: what was swept, what they came to, how they ended. Sortable where there is script. */
export function jobTable(sweep: SweepFolder): Html {
  const { jobs, swept, judgement } = sweep;
  const metrics = [...(judgement === null ? [] : [judgement.metric]), ...moreMetrics(sweep)];
  const numeric = swept.map((key) =>
    jobs.every(({ overrides }) => !Number.isNaN(Number(overrides.get(key)))),
  );
  const number = html` class="number"`;
  return html`<div class="card scroll${jobs.length > MANY_JOBS && ' tall'}"><table data-sortable class="jobs"><thead><tr><th scope="col" class="number">job</th><th scope="col">status</th>${swept.map(
    (key, index) =>
      html`<th scope="col"${numeric[index] && number} title="${key}">${shortKey(key, swept)}</th>`,
  )}${metrics.map((name) => html`<th scope="col" class="number">${name}</th>`)}<th scope="col" class="number">time</th></tr></thead>
<tbody>${jobs.map((job, index) => {
    const path = jobPath(sweep, job);
    return html`<tr${index === judgement?.best && html` class="best"`}><td class="number" data-value="${job.num}">${
      path === null ? job.num : html`<a href="${relativeLink(join(path, 'report.html'))}">${job.num}</a>`
    }</td><td><span class="status-${statusClass(job.status)}">${job.status}</span>${
      index === judgement?.best && html` <b class="tag">best</b>`
    }${job.error !== null && job.status !== 'done' && html`<br><span class="why" title="${job.error}">${firstLine(job.error)}</span>`}</td>${swept.map(
      (key, at) => html`<td${numeric[at] && number}>${job.overrides.get(key) ?? '–'}</td>`,
    )}${metrics.map((name) => metricCell(job, name))}${timeCell(job)}</tr>`;
  })}</tbody></table></div>`;
}

function metricCell(job: SweepJob, name: string): Html {
  const value = finalValue(job, name);
  return html`<td class="number" data-value="${value}">${value === null ? '–' : numberText(value)}</td>`;
}

function timeCell({ record }: SweepJob): Html {
  const seconds = record?.durationSeconds;
  const known = typeof seconds === 'number';
  return html`<td class="number" data-value="${known && seconds}">${known && durationText(seconds)}</td>`;
}

/** What most jobs have, the most looked at first. */
function moreMetrics({ jobs, judgement }: SweepFolder): string[] {
  const counts = new Map<string, number>();
  for (const job of jobs) {
    for (const name of [...job.metrics.map((one) => one.name), ...job.results.keys()])
      counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  // Of a pipeline it may be told without its step.
  const judged = jobs.flatMap((job) =>
    judgement === null ? [] : [judgement.metric, seriesOf(job, judgement.metric)?.name],
  );
  const measure = (name: string) => name.slice(name.indexOf('/') + 1);
  const wanted = [...counts.keys()].filter(
    (name) => !judged.includes(name) && !name.endsWith('learning_rate'),
  );
  const isFinal = (name: string) => Number(/(^|\.)validation\//.test(name));
  return wanted
    .sort((left, right) => isFinal(right) - isFinal(left) || rank(measure(left)) - rank(measure(right)))
    .slice(0, MORE_METRICS);
}

function firstLine(text: string): string {
  const line = text.split('\n')[0]!;
  return line.length <= 90 ? line : `${line.slice(0, 89)}…`;
}
