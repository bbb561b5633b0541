import { durationText, numberText, timeText } from './format.js';
import { type Html, type HtmlValue, html } from './html.js';
import { type PageOptions, page } from './page.js';
import { overlaidCurves, sweptAgainstResult } from './sections/comparison.js';
import { lostCard } from './sections/header.js';
import { jobTable } from './sections/job-table.js';
import { statusClass } from './status.js';
import type { SweepFolder } from './sweep-folder.js';

/** The report of a sweep: the best job, all jobs side by side, what was swept against what came out, their curves. */
export function sweepPage(sweep: SweepFolder, options?: PageOptions): string {
  const { stage, status } = summaryOf(sweep);
  return page(
    `${stage} sweep · ${status}`,
    html`${header(sweep)}
<section><h2>Jobs <small>${countsText(sweep)}</small></h2>${
      sweep.jobs.length > 0 ? jobTable(sweep) : html`<p class="note">No job has started.</p>`
    }</section>
${sweptAgainstResult(sweep)}
${overlaidCurves(sweep)}
<section><h2>Configuration</h2>
${sweep.results !== null && html`<details open><summary>optimization_results.yaml</summary><pre>${sweep.results.trimEnd()}</pre></details>`}
${sweep.config !== null && html`<details><summary>What the jobs share <small>multirun.yaml</small></summary><pre>${sweep.config.trimEnd()}</pre></details>`}
</section>
<footer>Made by Sluice from the sweep's folder alone</footer>`,
    options,
  );
}

/** Stage, status and times of a sweep: from its manifest, or what its jobs say together. */
export function summaryOf({ manifest, jobs }: SweepFolder) {
  const records = jobs.flatMap(({ record }) => record ?? []);
  const statuses = jobs.map((job) => job.status);
  const together =
    ['running', 'lost', 'failed', 'interrupted'].find((status) => statuses.includes(status)) ?? 'done';
  const starts = records.flatMap(({ startedAt }) => startedAt ?? []).sort();
  const ends = records.flatMap(({ endedAt }) => endedAt ?? []).sort();
  const startedAt = manifest?.startedAt ?? starts[0] ?? null;
  const endedAt =
    manifest === null ? (together === 'running' ? null : (ends.at(-1) ?? null)) : (manifest.endedAt ?? null);
  return {
    stage: manifest?.stage ?? records[0]?.stage ?? 'empty',
    status: manifest?.status ?? together,
    startedAt,
    endedAt,
  };
}

function header(sweep: SweepFolder): Html {
  const { stage, status, startedAt, endedAt } = summaryOf(sweep);
  const facts: [string, HtmlValue][] = [];
  if (startedAt !== null) facts.push(['started', timeText(startedAt)]);
  if (endedAt !== null) facts.push(['ended', timeText(endedAt)]);
  if (startedAt !== null && endedAt !== null)
    facts.push(['took', durationText((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)]);
  if (sweep.swept.length > 0) facts.push(['swept', sweep.swept.join(', ')]);
  const command = sweep.manifest?.command;
  return html`<header>
<p class="crumb">Sluice · sweep</p>
<div class="title"><h1>${stage}</h1><span class="status status-${statusClass(status)}">${status}</span></div>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${status === 'lost' && lostCard('./run --resume-sweep with this folder runs what is unfinished.')}
${bestCard(sweep)}
${command !== undefined && html`<h3>Command</h3><pre class="wrap">${command}</pre>`}
</header>`;
}

function bestCard({ jobs, swept, judgement }: SweepFolder): Html | null {
  if (judgement === null || judgement.best === null) return null;
  const best = jobs[judgement.best]!;
  const word = judgement.direction === 'minimize' ? 'lowest' : 'highest';
  return html`<div class="card best-card"><p><b class="figure">${numberText(best.value!)}</b> ${word} ${judgement.metric}: job ${best.num}</p>
<p class="mono">${swept.map((key) => html`<span>${key}=${best.overrides.get(key) ?? '–'}</span> `)}</p>
${judgement.assumed && html`<p class="note">The sweeper had no objective; the last ${judgement.metric} is taken.</p>`}</div>`;
}

function countsText({ jobs }: SweepFolder): string {
  const counts = new Map<string, number>();
  for (const { status } of jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}
