import { cutRows, type Dataset, type MixturePhase, type MixtureSource, mixtureOf } from '../data/index.js';
import { SluiceError } from '../errors.js';
import type { BatchSource } from './batch.js';
import { type LengthKeys, totalSteps } from './run-length.js';

/** The keys of `dataset.mixture`: sources by name. */
export type MixtureKeys = Record<string, { data_path: string; rate: number }>;

/** An entry of `dataset.phases`. */
export interface PhaseKeys {
  /** The step that the phase ends before, or below 1 a share of all steps; null, of the last alone: the end. */
  until: number | null;
  /** Rates of the mixture's sources; null: the mixture's own. */
  rates?: Record<string, number> | null;
  /** Rows are cut to this many tokens; null: as they are. */
  max_sequence_length?: number | null;
}

/** What `dataset` names: the sources of its mixture, or its one path. */
export const sourcesOf = (keys: { data_path: string | null; mixture: MixtureKeys | null }) =>
  Object.entries(keys.mixture ?? { dataset: { data_path: keys.data_path!, rate: 1 } });

interface Phase {
  firstStep: number;
  rates: readonly number[];
  length: number;
}

/**
 * What a run reads: one dataset, or several by their rates, in phases if there are any. Steps take the same tokens in every
 * phase: where rows are cut shorter there are more of them.
 *
 * @throws SluiceError `config.phases` where phases do not follow each other, name no source or cut rows unevenly
 */
export function trainingData(
  sources: readonly MixtureSource[],
  phases: readonly PhaseKeys[] | null,
  training: LengthKeys,
): BatchSource {
  const plain = sources.length === 1 ? sources[0]!.data : mixtureOf(sources);
  if (phases === null) return { ...plain, lengths: [plain.length] };
  const steps = totalSteps(training, plain);
  const planned = planPhases(phases, sources, plain, steps);
  const turns: MixturePhase[] = planned.map(({ firstStep, rates }) => ({
    firstPlace: firstStep * training.batch_size,
    rates,
  }));
  const phased = sources.length === 1 ? plain : mixtureOf(sources, turns);
  return {
    ...phased,
    lengths: [...new Set(planned.map(({ length }) => length))],
    batch(seed, step, batchSize) {
      const { length } = planned.findLast(({ firstStep }) => firstStep <= step)!;
      return cutRows(phased.batch(seed, step, batchSize), length);
    },
  };
}

function planPhases(
  phases: readonly PhaseKeys[],
  sources: readonly MixtureSource[],
  { length: rowLength }: Dataset,
  steps: number,
): Phase[] {
  let firstStep = 0;
  return phases.map(({ until, rates = null, max_sequence_length = null }, i) => {
    const where = `dataset.phases[${i}]`;
    const phase = {
      firstStep,
      rates: ratesOf(rates, sources, where),
      length: lengthOf(max_sequence_length, rowLength, where),
    };
    const isLast = i === phases.length - 1;
    const end = until === null ? steps : until < 1 ? Math.round(until * steps) : until;
    if ((until === null) !== isLast || (!isLast && end <= firstStep)) {
      throw new SluiceError(
        'config.phases',
        `${where}.until=${until} must be ${isLast ? 'null, as the last phase runs to the end' : `after step ${firstStep}, where the phase begins (of ${steps} steps)`}`,
        {
          hint: 'until goes up from phase to phase: steps, or shares of all steps below 1; null in the last',
        },
      );
    }
    firstStep = end;
    return phase;
  });
}

function ratesOf(
  rates: Record<string, number> | null,
  sources: readonly MixtureSource[],
  where: string,
): number[] {
  if (rates === null) return sources.map(({ rate }) => rate);
  const names = sources.map(({ name }) => name);
  const unknown = Object.keys(rates).find((name) => !names.includes(name));
  const values = names.map((name) => rates[name] ?? 0);
  if (unknown === undefined && values.some((rate) => rate > 0)) return values;
  throw new SluiceError(
    'config.phases',
    unknown === undefined
      ? `${where}.rates needs a rate above 0`
      : `${where}.rates names ${unknown}, which dataset.mixture does not have`,
    { hint: `its sources are ${names.join(', ')}; one that is left out has rate 0` },
  );
}

function lengthOf(length: number | null, rowLength: number, where: string): number {
  if (length === null) return rowLength;
  if (rowLength % length === 0) return length;
  const divisors = Array.from({ length: rowLength }, (_, i) => i + 1).filter((n) => rowLength % n === 0);
  throw new SluiceError(
    'config.phases',
    `${where}.max_sequence_length=${length} must divide the ${rowLength} tokens of a row`,
    { hint: `it can be ${divisors.slice(-8).join(', ')}` },
  );
}
