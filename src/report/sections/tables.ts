import { numberText } from '../format.js';
import { type Html, html } from '../html.js';
import type { RunRecord, TableRecord } from '../run-record.js';
import { factText } from './header.js';

/** The result tables a stage emitted, numbers aligned right. */
export function resultTables(tables: TableRecord[]): Html {
  return html`<div class="stack">${tables.map((table) => html`<div class="card scroll">${resultTable(table)}</div>`)}</div>`;
}

/** The numbers of a result that no table shows, as `bench` and `generate` leave it. */
export function resultNumbers({ facts }: RunRecord): Html | null {
  const result = Object.entries((facts?.result ?? {}) as Record<string, unknown>);
  const numbers = result.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  if (numbers.length === 0) return null;
  return html`<section><h2>Results</h2><dl class="card facts">${numbers.map(([name, value]) => {
    const [words, text] = factText(name, value);
    return html`<div><dt>${words}</dt><dd>${text}</dd></div>`;
  })}</dl></section>`;
}

function resultTable(table: TableRecord): Html {
  const numeric = table.columns.map((_, column) => isNumeric(table.rows.map((row) => row[column] ?? '')));
  return html`<table><caption>${table.title}</caption>
<thead><tr>${table.columns.map((name, column) => html`<th scope="col"${numeric[column] && html` class="number"`}>${name}</th>`)}</tr></thead>
<tbody>${table.rows.map(
    (row) =>
      html`<tr>${row.map((cell, column) => html`<td${numeric[column] && html` class="number"`}>${typeof cell === 'number' ? numberText(cell) : cell}</td>`)}</tr>`,
  )}</tbody></table>`;
}

/** Numbers, or texts of them: `58.31`, `37.1 ± 2.2 %`. */
function isNumeric(cells: (string | number)[]): boolean {
  const isNumber = (cell: string | number) =>
    typeof cell === 'number' || /^[-+]?\d[\d.,]*(e[-+]?\d+)?( ± [\d.]+)?( ?%)?$/.test(cell);
  return cells.some(isNumber) && cells.every((cell) => cell === '' || cell === '–' || isNumber(cell));
}
