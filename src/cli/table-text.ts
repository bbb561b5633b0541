import type { RunRecord } from '../runner/run-record.js';
import type { TableEvent } from '../telemetry/event.js';

/** The tables of a run; those of a pipeline say which step they are of. */
export const tablesOf = ({ tables, tablesOf: step }: RunRecord): string[] =>
  tables.map((table) =>
    tableText(step === undefined ? table : { ...table, title: `${table.title} (${step})` }),
  );

/** A table for a terminal: title, head, rows; columns of numbers (`3.2`, `89 %`, none) to the right, others to the left. */
export function tableText({ title, columns, rows }: Pick<TableEvent, 'title' | 'columns' | 'rows'>): string {
  const cells = [columns, ...rows.map((row) => row.map(cellText))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const toRight = columns.map((_, column) => rows.every((row) => looksNumeric(row[column])));
  const line = (row: string[]) =>
    widths
      .map((width, column) =>
        toRight[column] ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width),
      )
      .join('  ')
      .trimEnd();
  const [head, ...body] = cells.map(line);
  return [title, head, widths.map((width) => '─'.repeat(width)).join('  '), ...body].join('\n');
}

const looksNumeric = (cell: string | number | undefined) =>
  typeof cell !== 'string' || /^(?:[-+]?\d[\d.,:]*(?: ?\S{1,5})?|[-–—]|)$/.test(cell);

/** Whole numbers as they are, others with four significant digits. */
function cellText(value: string | number): string {
  if (typeof value === 'string') return value;
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
