import { join, relative } from 'node:path';
import type { LineChart } from './charts/line-chart.js';
import { lineageGraph } from './charts/lineage.js';
import { durationText } from './format.js';
import { type Html, html, relativeLink } from './html.js';
import type { MetricSeries } from './metrics.js';
import { type PageOptions, page } from './page.js';
import type { RunFolder } from './run-folder.js';
import { pageFoot } from './run-page.js';
import type { StepRecord, TableRecord } from './run-record.js';
import { config } from './sections/config.js';
import { curveSection, hasValues } from './sections/curves.js';
import { files } from './sections/files.js';
import { header } from './sections/header.js';
import { selectionSection } from './sections/selection.js';
import { resultTables } from './sections/tables.js';
import { statusClass } from './status.js';

/** A step with its own run folder, where it has one that can be read. */
export interface PipelineStep {
  record: StepRecord;
  run: RunFolder | null;
}

/** The report of a pipeline: its result first, then how it came about. */
export function pipelinePage(pipeline: RunFolder, steps: PipelineStep[], options?: PageOptions): string {
  const { record } = pipeline;
  const tables = resultOf(pipeline, steps);
  const charts = lossCharts(steps);
  const records = steps.map((step) => step.record);
  return page(
    `${record.stage} · ${record.status}`,
    html`${header(record)}
${tables.length > 0 && html`<section><h2>Result</h2>${resultTables(tables)}</section>`}
${
  steps.length > 0 &&
  html`<section><h2>Steps <small>what ran, and which outputs fed which step</small></h2>
<div class="pipeline"><div class="card">${lineageGraph(records)}</div>${stepTable(pipeline.directory, steps)}</div></section>`
}
${charts.length > 0 && curveSection('Loss of each training step', charts)}
${steps.map(({ run }) => run?.selection && selectionSection(run.selection))}
${files(record, pipeline.directory)}
${config(pipeline)}
${pageFoot(pipeline)}`,
    options,
  );
}

/** The pipeline's own tables, or else those of its last step that has any. */
function resultOf(pipeline: RunFolder, steps: PipelineStep[]): TableRecord[] {
  if (pipeline.record.tables?.length) return pipeline.record.tables;
  return steps.map(({ run }) => run?.record.tables ?? []).findLast((tables) => tables.length > 0) ?? [];
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
  return html`<div class="card"><table><thead><tr><th scope="col">step</th><th scope="col">status</th><th scope="col" class="number">time</th></tr></thead>
<tbody>${steps.map(({ record, run }) => {
    const folder = run && relative(directory, run.directory);
    return html`<tr><td class="path">${
      folder === null
        ? record.name
        : html`<a href="${relativeLink(join(folder, 'report.html'))}">${record.name}</a><br><a class="mono hash" href="${relativeLink(folder)}">${run?.record.id ?? folder}</a>`
    }</td>
<td><span class="status-${statusClass(record.status)}">${record.status}</span>${record.reason !== undefined && html`<br><small>${record.reason}</small>`}</td>
<td class="number">${typeof record.durationSeconds === 'number' && durationText(record.durationSeconds)}</td></tr>`;
  })}</tbody></table></div>`;
}
