import { timeText } from './format.js';
import { type Html, html } from './html.js';
import { type PageOptions, page } from './page.js';
import type { RunFolder } from './run-folder.js';
import type { RunRecord } from './run-record.js';
import { config } from './sections/config.js';
import { curves } from './sections/curves.js';
import { files } from './sections/files.js';
import { header } from './sections/header.js';
import { memory } from './sections/memory.js';
import { samplesSection } from './sections/samples.js';
import { selectionSection } from './sections/selection.js';
import { resultNumbers, resultTables } from './sections/tables.js';

/** The report of one run. */
export function runPage(run: RunFolder, options?: PageOptions): string {
  const { record } = run;
  const tables = record.tables ?? [];
  return page(
    `${record.stage} · ${record.status}`,
    html`${header(record, run.directory)}
${tables.length > 0 && html`<section><h2>Results</h2>${resultTables(tables)}</section>`}
${tables.length === 0 && resultNumbers(record)}
${run.samples && samplesSection(run.samples)}
${run.selection && selectionSection(run.selection)}
${run.metrics.length > 0 && curves(run.metrics)}
${run.plan && memory(run.plan, peakMemory(record))}
${files(record, run.directory)}
${config(run)}
${pageFoot(run)}`,
    options,
  );
}

/** The runner measures it when the stage's process ends; a run that crashed has none. */
function peakMemory(record: RunRecord): number | null {
  const bytes = record.facts?.peakMemoryBytes;
  return typeof bytes === 'number' ? bytes : null;
}

/** Names the time of the run, not of the page: the same folder gives the same bytes. */
export function pageFoot(run: RunFolder): Html {
  const time = run.record.endedAt ?? run.record.startedAt;
  return html`<footer>Made by Sluice from the run folder alone${time && html` · ${timeText(time)}`}</footer>`;
}
