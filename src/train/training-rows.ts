import {
  type Dataset,
  type HoldOut,
  type InstructionDataset,
  type InstructionsConfig,
  type MixtureSource,
  mixtureOf,
  targetEveryToken,
} from '../data/index.js';
import type { BatchSource } from './batch.js';
import type { LengthKeys } from './run-length.js';
import { type RowsConfig, rowsOf } from './stage-config.js';
import { type MixtureKeys, type PhaseKeys, sourcesOf, trainingData } from './training-data.js';

/** The keys of `dataset` in stages that train on instruction rows. */
export interface TrainingRowsConfig extends Omit<RowsConfig, 'data_path'> {
  /** null where there is a mixture. */
  data_path: string | null;
  mixture: MixtureKeys | null;
  phases: PhaseKeys[] | null;
  /** Share of the rows that is held out for evaluation, or a file of rows for it; null: none. */
  validation: number | string | null;
}

interface Host {
  resolvePath(path: string): string;
  addInput(name: string, path: string): void;
  log(level: 'info', text: string): void;
}

export interface TrainingRows {
  data: BatchSource;
  validation: Dataset | null;
}

/** Opens what a stage trains on, and what it is evaluated on. `loss_on` all makes targets of every token. */
export async function openTrainingRows(
  keys: TrainingRowsConfig,
  training: LengthKeys & { loss_on: 'all' | 'answers' },
  stage: Host,
  openRows: (config: InstructionsConfig) => Promise<InstructionDataset>,
): Promise<TrainingRows> {
  const { validation } = keys;
  const holdOut = typeof validation === 'number' ? { ratio: validation, seed: keys.seed } : null;
  const open = async (path: string, about: string, part: HoldOut['part']) => {
    const rows = await openRows({
      ...rowsOf(keys, stage.resolvePath(path)),
      ...(holdOut !== null && { holdOut: { ...holdOut, part } }),
    });
    stage.log('info', `${about}: ${describeRows(rows)}`);
    return training.loss_on === 'all' ? targetEveryToken(rows) : rows;
  };
  const sources: MixtureSource[] = [];
  const heldOut: MixtureSource[] = [];
  for (const [name, { data_path, rate }] of sourcesOf(keys)) {
    stage.addInput(name, stage.resolvePath(data_path));
    sources.push({ name, rate, data: await open(data_path, name, 'training') });
    if (holdOut !== null)
      heldOut.push({ name, rate, data: await open(data_path, `${name}, held out`, 'held-out') });
  }
  if (typeof validation === 'string') {
    stage.addInput('validation', stage.resolvePath(validation));
    heldOut.push({ name: 'validation', rate: 1, data: await open(validation, 'validation', 'held-out') });
  }
  return {
    data: trainingData(sources, keys.phases, training),
    validation: heldOut.length > 1 ? mixtureOf(heldOut) : (heldOut[0]?.data ?? null),
  };
}

function describeRows({ samples, rows, counts }: InstructionDataset): string {
  return `${samples.length} of ${counts.read} rows, packed into ${rows}; ${counts.truncated} cut, ${counts.withoutTargets} left out for want of an answer`;
}
