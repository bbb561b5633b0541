import type { InstructionDataset } from '../data/index.js';
import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { compile, Graph, sigmoid } from '../graph/index.js';
import { type Adapter, batchInputs, type Model, rngInput } from '../models/index.js';

/** What the router says of every sample, in the order of `dataset.samples`. */
export interface RouterScores {
  /** Mean over layers of `layers`; f64. */
  score: Float64Array;
  /** [samples, layers]: mean over the sample's tokens of g = sigmoid(quality score). */
  layers: Float32Array;
  /** [samples, layers, experts]: mean over the sample's tokens of the router's logits. */
  moeLogits: Float32Array;
  layerCount: number;
  expertCount: number;
}

export interface ScoringOptions {
  adapter: Adapter | null;
  batchSize: number;
  threads: number;
  seed: number;
  signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

/** Scores every sample by one forward pass over packed rows; samples of one row do not see each other. */
export async function scoreSamples(
  model: Model,
  session: Session,
  dataset: InstructionDataset,
  options: ScoringOptions,
): Promise<RouterScores> {
  const { batchSize } = options;
  const { program, layerCount, expertCount } = scoringProgram(model, batchSize, dataset.length, options);
  const executable = session.load(program);
  const count = dataset.samples.length;
  const indexOf = new Map(dataset.samples.map((sample, index) => [sample, index]));
  const scores: RouterScores = {
    score: new Float64Array(count),
    layers: new Float32Array(count * layerCount),
    moeLogits: new Float32Array(count * layerCount * expertCount),
    layerCount,
    expertCount,
  };
  const batches = Math.ceil(dataset.rows / batchSize);
  for (let step = 0; step < batches; step += 1) {
    if (options.signal.aborted)
      throw new SluiceError('interrupted', `interrupted after ${step} of ${batches} batches of scoring`);
    const batch = dataset.inOrder(step, batchSize);
    const outputs = await executable.runWith({
      input_ids: batch.inputIds,
      segment_ids: batch.segmentIds,
      positions: batch.positions,
      rng: rngInput(options.seed, step),
    });
    batch.rows.forEach((row, place) => {
      if (row < 0) return;
      for (const sample of dataset.samplesOf(row)) {
        gather(scores, indexOf.get(sample)!, place * dataset.length + sample.start, sample.tokens, outputs);
      }
    });
    options.onProgress(step + 1, batches);
  }
  return scores;
}

/** The one program that scoring runs, over `batchSize` packed rows of `length` tokens. */
export function scoringProgram(
  model: Model,
  batchSize: number,
  length: number,
  options: Pick<ScoringOptions, 'adapter' | 'threads'>,
) {
  const graph = new Graph();
  const { routers } = model.forward(batchInputs(graph, batchSize, length), { adapter: options.adapter });
  routers.forEach(({ qualityScore, moeLogits }, layer) => {
    graph.output(`gate.${layer}`, sigmoid(qualityScore!));
    graph.output(`moe_logits.${layer}`, moeLogits);
  });
  return {
    program: compile(graph, { threads: options.threads }),
    layerCount: routers.length,
    expertCount: routers[0]!.moeLogits.shape[1]!,
  };
}

/** Means over tokens `first` … `first + tokens - 1` of a batch into the sample's places. */
function gather(
  scores: RouterScores,
  index: number,
  first: number,
  tokens: number,
  outputs: Record<string, ArrayLike<number>>,
): void {
  const { layerCount, expertCount } = scores;
  let overLayers = 0;
  for (let layer = 0; layer < layerCount; layer += 1) {
    const gate = outputs[`gate.${layer}`]!;
    const logits = outputs[`moe_logits.${layer}`]!;
    let sum = 0;
    for (let t = first; t < first + tokens; t += 1) sum += gate[t]!;
    scores.layers[index * layerCount + layer] = sum / tokens;
    overLayers += sum / tokens;
    for (let expert = 0; expert < expertCount; expert += 1) {
      let total = 0;
      for (let t = first; t < first + tokens; t += 1) total += logits[t * expertCount + expert]!;
      scores.moeLogits[(index * layerCount + layer) * expertCount + expert] = total / tokens;
    }
  }
  scores.score[index] = overLayers / layerCount;
}
