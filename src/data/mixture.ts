import { SluiceError } from '../errors.js';
import { type Dataset, datasetOf, type RowOrder } from './batch.js';
import { epochOrder } from './epoch-order.js';
import { countsBefore, sourceAt } from './interleave.js';

export interface MixtureSource {
  name: string;
  data: Dataset;
  /** Share of the rows of a batch, beside the rates of the others. */
  rate: number;
}

/** From its first place to the next phase's, sources are mixed by these rates, in the order of the sources. */
export interface MixturePhase {
  firstPlace: number;
  rates: readonly number[];
}

export interface Mixture extends Dataset {
  sources: readonly { name: string; rows: number }[];
  /** The name of the source that a row is of. */
  sourceOf(row: number): string;
}

/**
 * Several datasets as one: rows are numbered source after source, batches take from each by its rate, and each source goes
 * through its own rows epoch by epoch in its own seeded order, whatever the rates. With `phases` the rates change on the way;
 * a source then goes on where it was. In their own order, too, rows come from each source by its size. `tokens` are those of as many rows as there are, drawn by the first rates.
 *
 * @throws SluiceError `data.mixture_length` where rows differ in length
 */
export function mixtureOf(
  sources: readonly MixtureSource[],
  phases: readonly MixturePhase[] = [{ firstPlace: 0, rates: sources.map(({ rate }) => rate) }],
): Mixture {
  refuseOtherLengths(sources);
  const rows = sources.reduce((sum, { data }) => sum + data.rows, 0);
  const starts = sources.map((_, i) => sources.slice(0, i).reduce((sum, { data }) => sum + data.rows, 0));
  const placeOf = (row: number) => {
    const i = starts.findLastIndex((start) => start <= row);
    return { source: sources[i]!, row: row - starts[i]! };
  };
  const dataset = datasetOf(
    {
      rows,
      length: sources[0]!.data.length,
      tokens: Math.round(rows * tokensPerRow(sources, phases[0]!.rates)),
      padId: sources[0]!.data.padId,
      fill(row, batch, offset) {
        const place = placeOf(row);
        place.source.data.fill(place.row, batch, offset);
      },
      describe(numbers) {
        const places = numbers.map(placeOf);
        return sources
          .map(({ name, data }) => ({
            name,
            data,
            rows: places.filter(({ source }) => source.name === name).map(({ row }) => row),
          }))
          .filter(({ rows }) => rows.length > 0)
          .map(({ name, data, rows }) => `${name}: ${data.describe(rows)}`)
          .join('; ');
      },
      close() {
        for (const { data } of sources) data.close();
      },
    },
    mixedOrder(sources, starts, phases),
    (place) => {
      const { source, index } = sourceAt(
        place,
        sources.map(({ data }) => data.rows),
      );
      return starts[source]! + index;
    },
  );
  return {
    ...dataset,
    sources: sources.map(({ name, data }) => ({ name, rows: data.rows })),
    sourceOf: (row) => placeOf(row).source.name,
  };
}

function mixedOrder(
  sources: readonly MixtureSource[],
  starts: readonly number[],
  phases: readonly MixturePhase[],
): RowOrder {
  const orders = sources.map(({ name, data }) => epochOrder(data.rows, name));
  // how far each source is when a phase begins
  const begun = [sources.map(() => 0)];
  phases.slice(1).forEach(({ firstPlace }, i) => {
    const counts = countsBefore(firstPlace - phases[i]!.firstPlace, phases[i]!.rates);
    begun.push(counts.map((count, source) => begun[i]![source]! + count));
  });
  return (seed, place) => {
    const phase = phases.findLastIndex(({ firstPlace }) => firstPlace <= place);
    const { source, index } = sourceAt(place - phases[phase]!.firstPlace, phases[phase]!.rates);
    return starts[source]! + orders[source]!(seed, begun[phase]![source]! + index);
  };
}

function tokensPerRow(sources: readonly MixtureSource[], rates: readonly number[]): number {
  const all = rates.reduce((sum, rate) => sum + rate, 0);
  return sources.reduce((sum, { data }, i) => sum + (rates[i]! / all) * (data.tokens / data.rows), 0);
}

function refuseOtherLengths(sources: readonly MixtureSource[]): void {
  const first = sources[0]!;
  const other = sources.find(({ data }) => data.length !== first.data.length);
  if (other === undefined) return;
  throw new SluiceError(
    'data.mixture_length',
    `the rows of ${other.name} have ${other.data.length} tokens, those of ${first.name} ${first.data.length}`,
    { hint: 'prepare all sources of a mixture with one sequence_length' },
  );
}
