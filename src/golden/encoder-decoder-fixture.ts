import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { affine, Graph, reshape } from '../graph/index.js';
import { logitsOf } from '../infer/index.js';
import { batchInputs, buildModel, lmLoss, type Model } from '../models/index.js';
import { Checks, maxError } from './checks.js';
import {
  countedPositions,
  countTargets,
  type GoldenContext,
  type LoadedModel,
  openModel,
  readJson,
  runGraph,
  splitParameter,
  Tensors,
} from './fixture.js';
import { checkGeneration } from './generation.js';
import { compareGradients, outputGradients } from './gradients.js';
import { compareNarrow } from './narrow.js';

/** Holds a T5 of `models/<name>` against the engine: logits, loss, hidden states, gradients, greedy generation. */
export async function checkEncoderDecoder(context: GoldenContext, name: string): Promise<Checks> {
  const checks = new Checks(`models/${name}`);
  const folder = join(context.folder, 'models', name);
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const loaded = await openModel(context, folder);
  try {
    for (const caseName of Object.keys(golden.cases)) {
      await checkCase(context, checks, loaded, { folder, golden, tensors, caseName, label: caseName });
    }
    if (existsSync(join(folder, 'config_v4.json'))) {
      const model = await buildModel(readJson(folder, 'config_v4.json'), 'config_v4.json');
      const from = { folder, golden, tensors, caseName: 'full', label: 'config_v4' };
      await checkCase(context, checks, { ...loaded, model }, from);
    }
    await checkNarrow(context, checks, loaded, tensors);
    await checkGeneration(context, checks, loaded, golden, tensors);
    checks.unread(tensors);
  } finally {
    loaded.session.close();
  }
  return checks;
}

async function checkCase(
  context: GoldenContext,
  checks: Checks,
  { model, session }: LoadedModel,
  // biome-ignore lint/suspicious/noExplicitAny: the fixture's own layout
  from: { folder: string; golden: any; tensors: Tensors; caseName: string; label: string },
): Promise<void> {
  const { folder, golden, tensors, caseName, label } = from;
  const { tolerance } = golden;
  const { rows, length, encoderLength, inputs } = caseInputs(model, tensors, caseName);
  const { labels } = inputs;

  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows, length, encoderLength));
  graph.output('logits', logitsOf(output, reshape(output.hidden, [rows * length, -1])));
  const sum = lmLoss(output, graph.input('labels', 'i32', [rows, length])).sum;
  const loss = affine(sum, 1 / countTargets(labels), 0);
  graph.output('loss', loss);
  graph.output('encoded', output.encoded!);
  output.hiddenStates.forEach((state, index) => {
    graph.output(`hidden.${index}`, state);
  });
  const parameters = model.parameters();
  outputGradients(
    graph,
    loss,
    parameters.map(({ name, shape }) => graph.state(name, 'f32', shape)),
  );
  const got = await runGraph(context, session, graph, inputs);

  const logits = maxError(got.logits!, tensors.floats(`${caseName}.logits`));
  checks.add(`${label}.logits`, logits, tolerance.logits_abs);
  checks.add(`${label}.loss`, Math.abs(got.loss![0]! - golden.cases[caseName].loss), tolerance.loss_abs);
  const pieces = parameters.flatMap((parameter, i) =>
    splitParameter(parameter, got[`grad.${i}`] as Float32Array),
  );
  const nulls: string[] = golden.fp32_vs_fp64[caseName].grad.null_gradient;
  compareGradients(
    checks,
    label,
    pieces,
    new Tensors(folder, `grads_${caseName}.safetensors`),
    nulls,
    tolerance,
  );
  const norm = Math.sqrt(got.grad_square_sum![0]!);
  checks.add(
    `${label}.grad_norm`,
    Math.abs(norm / golden.cases[caseName].grad_norm - 1),
    tolerance.grad_rel_inf,
  );
  if (caseName !== 'full') return;
  const hidden = Float32Array.from(output.hiddenStates.flatMap((_, i) => Array.from(got[`hidden.${i}`]!)));
  const hiddenError = maxError(hidden, tensors.floats('full.decoder_hidden_states'));
  checks.add(`${label}.decoder_hidden_states`, hiddenError, hiddenTolerance(tensors, tolerance.logits_abs));
  const encodedError = maxError(got.encoded!, tensors.floats('full.encoder_last_hidden_state'));
  checks.add(
    `${label}.encoder_last_hidden_state`,
    encodedError,
    hiddenTolerance(tensors, tolerance.logits_abs),
  );
}

async function checkNarrow(
  context: GoldenContext,
  checks: Checks,
  { model, session }: LoadedModel,
  tensors: Tensors,
): Promise<void> {
  if (!tensors.has('full.logits_bf16')) return;
  const { rows, length, encoderLength, inputs } = caseInputs(model, tensors, 'full');
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows, length, encoderLength));
  graph.output('logits', logitsOf(output, reshape(output.hidden, [rows * length, -1])));
  const { logits } = await runGraph(context, session, graph, inputs, 'bf16');
  compareNarrow(checks, logits!, tensors);
}

/** The decoder reads the labels behind its start token; the encoder's padding comes from attention_mask. */
function caseInputs(model: Model, tensors: Tensors, caseName: string) {
  const [rows, encoderLength] = tensors.shape(`${caseName}.input_ids`) as [number, number];
  const labels = tensors.ints(`${caseName}.labels`);
  const length = labels.length / rows;
  const encoderIds = tensors.ints(`${caseName}.input_ids`);
  const inputs = {
    input_ids: shiftRight(labels, length, model.architecture.decoderStart!),
    segment_ids: new Int32Array(labels.length).fill(1),
    positions: countedPositions(rows, length),
    labels,
    encoder_input_ids: encoderIds,
    encoder_segment_ids: tensors.has(`${caseName}.attention_mask`)
      ? tensors.ints(`${caseName}.attention_mask`)
      : new Int32Array(encoderIds.length).fill(1),
  };
  return { rows, length, encoderLength, inputs };
}

/** Hidden states of a T5 are larger than its logits; the logits' tolerance is scaled by how much. */
function hiddenTolerance(tensors: Tensors, logitsTolerance: number): number {
  const largestOf = (name: string) =>
    tensors.floats(name).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const ratio = largestOf('full.decoder_hidden_states') / largestOf('full.logits');
  return logitsTolerance * Math.max(1, ratio);
}

/** Decoder inputs: the labels behind the start token, -100 turned into padding id 0. */
function shiftRight(labels: Int32Array, length: number, start: number): Int32Array {
  return labels.map((_, i) => (i % length === 0 ? start : Math.max(labels[i - 1]!, 0)));
}
