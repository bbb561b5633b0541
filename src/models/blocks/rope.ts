import type { Tensor } from '../../graph/index.js';
import * as ops from '../../graph/index.js';
import type { ConfigReader } from '../config-reader.js';
import type { Batch } from '../trace.js';

/** Rotary position embedding: frequencies of the rotated pairs and the factor on cosine and sine. */
export interface Rope {
  /**
   * rotated size / 2 values, radians per position, for sequences of at most `length` tokens. Only `dynamic` and
   * `longrope` ask for the length: of a program's rows or, where it has one, of its key-value cache.
   */
  readonly frequencies: (length: number) => readonly number[];
  readonly scale: number;
  /** Pairs (2i, 2i+1) instead of (i, i+R/2). */
  readonly interleaved: boolean;
}

/** Rotates x [B,T,N,D]. */
export function applyRope(x: Tensor, batch: Batch, rope: Rope): Tensor {
  const length = batch.cache?.capacity ?? x.shape[1]!;
  const invFreq = x.graph.constant(rope.frequencies(length));
  return ops.rope(x, batch.positions, invFreq, { interleaved: rope.interleaved, scale: rope.scale });
}

/**
 * Reads `rope_parameters` (transformers 5) or `rope_theta` + `rope_scaling` (before), types default, linear, dynamic,
 * llama3, yarn and longrope; formulas of transformers' modeling_rope_utils.
 *
 * @param headSize size of the part of a head that can rotate; `partial_rotary_factor` takes its share of it
 * @throws SluiceError `model.config` for an unknown type
 */
export function readRope(config: ConfigReader, headSize: number, interleaved = false): Rope {
  const settings = config.object('rope_parameters') ?? config.object('rope_scaling');
  const theta = settings?.has('rope_theta')
    ? settings.number('rope_theta')
    : config.number('rope_theta', 10000);
  const partial = (settings?.has('partial_rotary_factor') ? settings : config).number(
    'partial_rotary_factor',
    1,
  );
  const rotated = Math.trunc(headSize * partial);
  const plain = plainFrequencies(theta, rotated);
  const always = (invFreq: number[], scale = 1): Rope => ({ frequencies: () => invFreq, scale, interleaved });
  const type = settings?.has('rope_type')
    ? settings.string('rope_type')
    : settings?.string('type', 'default');
  if (settings === null || type === 'default') return always(plain);
  if (type === 'linear') {
    const factor = settings.number('factor');
    return always(plain.map((f) => Math.fround(f / factor)));
  }
  if (type === 'dynamic')
    return { frequencies: dynamicFrequencies(settings, config, theta, rotated), scale: 1, interleaved };
  if (type === 'llama3') return always(plain.map(llama3Frequency(settings)));
  if (type === 'yarn') {
    const { invFreq, scale } = yarn(settings, config, theta, rotated);
    return always(invFreq, scale);
  }
  // "su" is longrope's name in the first Phi-3 files
  if (type === 'longrope' || type === 'su') return { ...longRope(settings, config, plain), interleaved };
  return settings.fail('rope_type', 'default, linear, dynamic, llama3, yarn or longrope');
}

function plainFrequencies(theta: number, rotated: number): number[] {
  return Array.from({ length: rotated / 2 }, (_, i) => Math.fround(1 / theta ** ((2 * i) / rotated)));
}

/** Beyond `max_position_embeddings` theta grows with the length (NTK scaling): up to there nothing changes. */
function dynamicFrequencies(settings: ConfigReader, config: ConfigReader, theta: number, rotated: number) {
  const factor = settings.number('factor');
  const original = config.number('max_position_embeddings');
  return (length: number) => {
    const growth = (factor * Math.max(length, original)) / original - (factor - 1);
    return plainFrequencies(theta * growth ** (rotated / (rotated - 2)), rotated);
  };
}

/** Each pair is slowed by a factor of its own: `short_factor` within the original context, `long_factor` beyond. */
function longRope(settings: ConfigReader, config: ConfigReader, plain: number[]): Omit<Rope, 'interleaved'> {
  const from = settings.has('original_max_position_embeddings') ? settings : config;
  const original = from.number('original_max_position_embeddings');
  const slowed = (key: string) => {
    const factors = settings.numbers(key);
    if (factors.length !== plain.length) settings.fail(key, `${plain.length} numbers`);
    return plain.map((frequency, i) => Math.fround(frequency / factors[i]!));
  };
  const [short, long] = [slowed('short_factor'), slowed('long_factor')];
  const factor =
    settings.optionalNumber('factor') ?? config.number('max_position_embeddings', original) / original;
  const scale =
    settings.optionalNumber('attention_factor') ??
    (factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
  return { frequencies: (length) => (length > original ? long : short), scale };
}

/** Long wavelengths are slowed by `factor`, short ones kept, those between blended (Llama 3.1). */
function llama3Frequency(settings: ConfigReader): (frequency: number) => number {
  const factor = settings.number('factor');
  const low = settings.number('low_freq_factor');
  const high = settings.number('high_freq_factor');
  const original = settings.number('original_max_position_embeddings');
  return (frequency) => {
    const turns = (original * frequency) / (2 * Math.PI); // full turns within the original context
    if (turns < low) return Math.fround(frequency / factor);
    if (turns > high) return frequency;
    const smooth = (turns - low) / (high - low);
    return Math.fround(((1 - smooth) * frequency) / factor + smooth * frequency);
  };
}

function yarn(settings: ConfigReader, config: ConfigReader, theta: number, rotated: number) {
  const original = settings.has('original_max_position_embeddings')
    ? settings.number('original_max_position_embeddings')
    : config.number('max_position_embeddings');
  const factor = settings.number('factor', config.number('max_position_embeddings', original) / original);
  // index of the pair that makes `turns` full turns within the original context
  const pairOf = (turns: number) =>
    (rotated * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const truncate = settings.boolean('truncate', true);
  const fast = pairOf(settings.number('beta_fast', 32));
  const slow = pairOf(settings.number('beta_slow', 1));
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const high = Math.min(truncate ? Math.ceil(slow) : slow, rotated - 1);
  const width = low === high ? 0.001 : high - low;
  const invFreq = Array.from({ length: rotated / 2 }, (_, i) => {
    const frequency = 1 / theta ** ((2 * i) / rotated);
    const slowed = Math.min(Math.max((i - low) / width, 0), 1); // 0: kept, 1: divided by factor
    return Math.fround((frequency / factor) * slowed + frequency * (1 - slowed));
  });
  return { invFreq, scale: yarnScale(settings, factor) };
}

function yarnScale(settings: ConfigReader, factor: number): number {
  const given = settings.optionalNumber('attention_factor');
  if (given !== null) return given;
  const mscale = settings.optionalNumber('mscale');
  const mscaleAll = settings.optionalNumber('mscale_all_dim');
  if (mscale && mscaleAll) return yarnMscale(factor, mscale) / yarnMscale(factor, mscaleAll);
  return yarnMscale(factor, 1);
}

/** 0.1·mscale·ln(factor) + 1 */
export function yarnMscale(factor: number, mscale: number): number {
  return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
}
