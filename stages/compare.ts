import { type OpenDevice, openDevice } from '../src/engine/index.js';
import { SluiceError } from '../src/errors.js';
import { compile, Graph, reshape } from '../src/graph/index.js';
import { logitsOf } from '../src/infer/index.js';
import { batchInputs, loadModel, loadWeights } from '../src/models/index.js';
import type { StageDefinition } from '../src/runner/stage.js';

/** configs/compare.schema.json describes each key. */
export interface CompareConfig {
  seed: number;
  device: string;
  threads: number | null;
  original: string;
  converted: string;
  batch: number;
  length: number;
  tolerance: number;
}

export const stage: StageDefinition<CompareConfig> = {
  name: 'compare',

  async run(context) {
    const { config } = context;
    const folders = {
      original: context.resolvePath(config.original),
      converted: context.resolvePath(config.converted),
    };
    context.addInput('original', folders.original);
    context.addInput('converted', folders.converted);
    const expected = await logitsOfFolder(folders.original, config, await openDevice(config, context));
    const got = await logitsOfFolder(folders.converted, config, await openDevice(config, context));
    if (expected.length !== got.length) {
      throw new SluiceError(
        'compare.vocabulary',
        `${folders.converted} has another vocabulary than ${folders.original}`,
      );
    }
    const difference = got.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
    const sameChoice = sharedChoices(expected, got, config.batch * config.length);
    context.addFact('result', {
      largest_difference: difference,
      tolerance: config.tolerance,
      same_next_token: sameChoice,
      equal: difference <= config.tolerance,
    });
    if (!(difference <= config.tolerance)) {
      throw new SluiceError(
        'compare.different',
        `with open gates the logits differ by up to ${difference}, more than tolerance=${config.tolerance}`,
        { where: folders.converted, hint: 'the folder was made from another model, or trained since' },
      );
    }
  },
};

/** Logits [batch*length, V] on random tokens, the gates of a Select-MoE model counted as open. Closes the session. */
async function logitsOfFolder(
  folder: string,
  config: CompareConfig,
  device: OpenDevice,
): Promise<Float32Array> {
  const { batch: rows, length, seed } = config;
  const model = await loadModel(folder);
  loadWeights(model, folder, device.session);
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows, length), { openGates: true });
  graph.output('logits', logitsOf(output, reshape(output.hidden, [rows * length, -1])));
  const program = compile(graph, { threads: device.threads });
  const vocabulary = output.headWeight.shape[0]!;
  let state = (seed * 2654435761 + 1) >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const { logits } = await device.session.load(program).run({
    input_ids: Int32Array.from({ length: rows * length }, () => Math.floor((next() / 2 ** 32) * vocabulary)),
    segment_ids: new Int32Array(rows * length).fill(1),
    positions: Int32Array.from({ length: rows * length }, (_, i) => i % length),
  });
  device.session.close();
  return logits as Float32Array;
}

/** Share of positions at which both prefer the same token. */
function sharedChoices(a: Float32Array, b: Float32Array, positions: number): number {
  const vocabulary = a.length / positions;
  const choice = (logits: Float32Array, position: number) => {
    const row = logits.subarray(position * vocabulary, (position + 1) * vocabulary);
    return row.indexOf(row.reduce((most, value) => Math.max(most, value)));
  };
  let same = 0;
  for (let position = 0; position < positions; position++)
    if (choice(a, position) === choice(b, position)) same++;
  return same / positions;
}
