import type { RunRecord } from './run-record.js';

/** One figure with its name: `validation/loss`, 4.65. */
export interface Figure {
  name: string;
  value: number;
}

/** Lowest first: what a model is judged by comes before what it was trained by. */
const preferred = ['validation/loss', 'evaluation/loss', 'train/loss'];

/**
 * The figure that tells most of a run in one cell of a list: a loss that it logged, else the first metric, the first
 * number of its result, or of the last row of its last table with one. Null where there is no number.
 */
export function headline({ metrics, facts, tables }: RunRecord): Figure | null {
  const names = [...preferred, ...Object.keys(metrics)];
  return (
    firstNumber(names.map((name) => [name, metrics[name]])) ??
    firstNumber(Object.entries((facts.result ?? {}) as object)) ??
    tables
      .toReversed()
      .map(ofTable)
      .find((figure) => figure !== null) ??
    null
  );
}

/** A column of a table that tells how good a model is, rather than how large something was. */
const judges = /loss|perplexity|accuracy|match/i;

function ofTable(table: RunRecord['tables'][number]): Figure | null {
  const row = table.rows.at(-1) ?? [];
  const cells = row.map((cell, column): [string, unknown] => [
    table.columns[column] ?? '',
    typeof cell === 'string' && /^-?\d+(\.\d+)?$/.test(cell) ? Number(cell) : cell,
  ]);
  const figure = firstNumber(cells.filter(([name]) => judges.test(name))) ?? firstNumber(cells);
  return figure && typeof row[0] === 'string' ? { ...figure, name: `${row[0]} ${figure.name}` } : figure;
}

function firstNumber(entries: [string, unknown][]): Figure | null {
  const found = entries.find((entry): entry is [string, number] => Number.isFinite(entry[1]));
  return found === undefined ? null : { name: found[0], value: found[1] };
}
