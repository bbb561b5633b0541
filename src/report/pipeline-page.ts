import { join, relative } from 'node:path';
import type { LineChart } from './charts/line-chart.js';
import { lineageGraph } from './charts/lineage.js';
import { timeline } from './charts/timeline.js';
import { durationText } from './format.js';
import { type Html, html, relativeLink } from './html.js';
import type { MetricSeries } from './metrics.js';
import { type PageOptions, page } from './page.js';
import type { PipelineStep } from './pipeline-step.js';
import type { RunFolder } from './run-folder.js';
import { pageFoot } from './run-page.js';
import type { TableRecord } from './run-record.js';
import { config } from './sections/config.js';
import { curveSection, hasValues } from './sections/curves.js';
import { files } from './sections/files.js';
import { header } from './sections/header.js';
import { samplesSection } from './sections/samples.js';
import { selectionSection } from './sections/selection.js';
import { resultTables } from './sections/tables.js';
import { statusClass } from './status.js';

/** The report of a pipeline: its result first, then how it came about; before there is one, how far it came. */
export function pipelinePage(pipeline: RunFolder, steps: PipelineStep[], options?: PageOptions): string {
  const { record } = pipeline;
  const result = resultOf(pipeline, steps);
  const charts = lossCharts(steps);
  return page(
    `${record.stage} · ${record.status}`,
    html`${header(record, pipeline.directory)}
${result.step === null && resultSection(result)}
${
  steps.length > 0 &&
  html`<section><h2>Steps <small>${countsText(steps)}</small></h2>
<div class="pipeline"><div class="card">${lineageGraph(steps.map(({ record, status }) => ({ ...record, status })))}</div><div class="stack">${stepTable(pipeline.directory, steps)}
${timeline(timelineRows(steps, options?.now?.time ?? null))}</div></div></section>`
}
${steps.map(({ run }) => run?.samples && samplesSection(run.samples))}
${result.step !== null && resultSection(result)}
${charts.length > 0 && curveSection('Loss of each training step', charts)}
${steps.map(({ run }) => run?.selection && selectionSection(run.selection))}
${files(record, pipeline.directory)}
${config(pipeline)}
${pageFoot(pipeline)}`,
    options,
  );
}

/**
 * The pipeline's own tables where it is done, or else those of its last step that has any, by name: where a later step
 * failed they are not what the pipeline was run for.
 */
function resultOf(
  { record }: RunFolder,
  steps: PipelineStep[],
): { tables: TableRecord[]; step: string | null } {
  const own = record.tables ?? [];
  if (own.length > 0 && record.status === 'done') return { tables: own, step: null };
  const last = steps.findLast(({ run }) => run?.record.tables?.length);
  if (last === undefined) return { tables: own, step: null };
  return { tables: last.run!.record.tables!, step: last === steps.at(-1) ? null : last.record.name };
}

function resultSection({ tables, step }: ReturnType<typeof resultOf>): Html | null {
  if (tables.length === 0) return null;
  return html`<section><h2>Result${step !== null && html` <small>of ${step}, the last step that has one</small>`}</h2>${resultTables(tables)}</section>`;
}

/** `5 reused, 1 failed, 1 skipped` */
function countsText(steps: PipelineStep[]): string {
  const counts = new Map<string, number>();
  for (const { status } of steps) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(', ');
}

/** What runs goes on to `now`; on a page on disk, to the latest time that any step knows. */
function timelineRows(steps: PipelineStep[], now: number | null) {
  const latest = Math.max(...steps.flatMap(({ startedAt, endedAt }) => endedAt ?? startedAt ?? []));
  return steps.map(({ record, status, startedAt, endedAt }) => ({
    label: record.name,
    status,
    from: startedAt,
    to: endedAt ?? (startedAt === null ? null : status === 'running' ? (now ?? latest) : latest),
    ...(endedAt === null && { text: status }),
  }));
}

/** A loss without a penalty is its `lm_loss` again: one curve is enough. */
function sameValues(left: MetricSeries, right: MetricSeries | undefined): boolean {
  return right !== undefined && left.values.join() === right.values.join();
}

/** One small chart per step that trained, all its losses together: with a penalty in it, `loss` has `lm_loss` beside it. */
function lossCharts(steps: PipelineStep[]): LineChart[] {
  return steps.flatMap(({ record, run }) => {
    const losses = (run?.metrics ?? []).filter((one) => /(^|\/)(lm_)?loss$/.test(one.name) && hasValues(one));
    if (!losses.some((one) => one.name.startsWith('train/'))) return [];
    const whole = losses.find((one) => one.name === 'train/loss');
    const different = losses.filter((one) => one === whole || !sameValues(one, whole));
    const label = (name: string) => name.replace(/\/loss$/, '').replace('/', ' ');
    return [
      { title: record.name, series: different.map((points) => ({ label: label(points.name), points })) },
    ];
  });
}

function stepTable(directory: string, steps: PipelineStep[]): Html {
  return html`<div class="card"><table class="steps"><thead><tr><th scope="col">step</th><th scope="col">status</th><th scope="col" class="number">time</th></tr></thead>
<tbody>${steps.map((step) => stepRow(directory, step))}</tbody></table></div>`;
}

function stepRow(directory: string, { record, run, status, error, tookThen }: PipelineStep): Html {
  const folder = run && relative(directory, run.directory);
  return html`<tr><td class="path">${
    folder === null
      ? record.name
      : html`<a href="${relativeLink(join(folder, 'report.html'))}">${record.name}</a><br><a class="mono hash" href="${relativeLink(folder)}">${run?.record.id ?? folder}</a>`
  }</td>
<td><span class="status-${statusClass(status)}">${status}</span>${record.reason !== undefined && html`<br><small>${record.reason}</small>`}${
    error && html`<br><small class="why bad">${error.message}</small>`
  }</td>
<td class="number">${
    typeof record.durationSeconds === 'number'
      ? durationText(record.durationSeconds)
      : tookThen !== null && html`<small>took ${durationText(tookThen)}</small>`
  }</td></tr>`;
}
