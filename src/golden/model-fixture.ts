import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { add, affine, Graph, mul, reshape } from '../graph/index.js';
import { logitsOf } from '../infer/index.js';
import { batchInputs, buildModel, lmLoss, loadBalancingLoss } from '../models/index.js';
import type { ModelOutput } from '../models/trace.js';
import { Checks, maxError } from './checks.js';
import {
  countedPositions,
  countTargets,
  type GoldenContext,
  type LoadedModel,
  openModel,
  readJson,
  runGraph,
  shiftLabels,
  splitParameter,
  Tensors,
} from './fixture.js';
import { checkGeneration } from './generation.js';
import { compareGradients, outputGradients } from './gradients.js';
import { compareNarrow, sameExperts } from './narrow.js';

/** Holds `models/<name>` against the engine: logits, losses, routers, gradients and greedy generation. */
export async function checkModel(context: GoldenContext, name: string): Promise<Checks> {
  const checks = new Checks(`models/${name}`);
  const folder = join(context.folder, 'models', name);
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const loaded = await openModel(context, folder);
  try {
    for (const caseName of Object.keys(golden.cases)) {
      await checkCase(context, checks, loaded, { folder, golden, tensors, caseName });
    }
    await checkOldConfig(context, checks, loaded, { folder, golden, tensors, caseName: 'full' });
    await checkNarrow(context, checks, loaded, { folder, golden, tensors, caseName: 'full' });
    await checkGeneration(context, checks, loaded, golden, tensors);
    checks.unread(tensors);
  } finally {
    loaded.session.close();
  }
  return checks;
}

interface Case {
  folder: string;
  // biome-ignore lint/suspicious/noExplicitAny: the fixture's own layout
  golden: any;
  tensors: Tensors;
  caseName: string;
}

/** Inputs of a case; padding comes from attention_mask. A case `<stem>_pos` is the stem's with its own position_ids. */
function caseInputs({ tensors, caseName }: Case) {
  const placed = caseName.endsWith('_pos');
  const stem = placed ? caseName.slice(0, -'_pos'.length) : caseName;
  const ids = tensors.ints(`${stem}.input_ids`);
  const [rows, length] = tensors.shape(`${stem}.input_ids`) as [number, number];
  const given = (name: string) =>
    tensors.has(`${stem}.${name}`) ? tensors.ints(`${stem}.${name}`) : undefined;
  const mask = given('attention_mask') ?? new Int32Array(ids.length).fill(1);
  const positions = placed ? tensors.ints(`${stem}.position_ids`) : countedPositions(rows, length);
  const labels = shiftLabels(given('labels') ?? ids, length);
  return { rows, length, mask, inputs: { input_ids: ids, segment_ids: mask, positions, labels } };
}

async function checkCase(
  context: GoldenContext,
  checks: Checks,
  loaded: LoadedModel,
  from: Case,
): Promise<void> {
  const { golden, tensors, caseName, folder } = from;
  const { tolerance } = golden;
  const expected = golden.cases[caseName];
  const { rows, length, mask, inputs } = caseInputs(from);
  const { model, session } = loaded;

  const graph = new Graph();
  const batch = batchInputs(graph, rows, length);
  const output = model.forward(batch);
  outputLogits(graph, output);
  const labels = graph.input('labels', 'i32', [rows, length]);
  const ce = affine(lmLoss(output, labels).sum, 1 / countTargets(inputs.labels), 0);
  graph.output('ce_loss', ce);
  let loss = ce;
  if (expected.aux_loss !== undefined) {
    const aux = loadBalancingLoss(output.routers, batch.segmentIds);
    graph.output('aux_loss', aux);
    loss = add(ce, mul(aux, expected.router_aux_loss_coef));
  }
  graph.output('loss', loss);
  const withGradients = expected.grad_norm !== undefined;
  const parameters = model.parameters().filter(({ buffer }) => !buffer);
  if (withGradients)
    outputGradients(
      graph,
      loss,
      parameters.map(({ name, shape }) => graph.state(name, 'f32', shape)),
    );
  if (caseName === 'full') outputInternals(graph, output);
  const got = await runGraph(context, session, graph, inputs);

  const vocabulary = output.headWeight.shape[0]!;
  const valid = (index: number) => mask[Math.floor(index / vocabulary)] === 1;
  const error = maxError(got.logits!, tensors.floats(`${caseName}.logits`), valid);
  checks.add(`${caseName}.logits`, error, tolerance.logits_abs);
  for (const quantity of ['loss', 'ce_loss', 'aux_loss'] as const) {
    if (expected[quantity] === undefined) continue;
    const limit = quantity === 'aux_loss' ? tolerance.aux_loss_abs : tolerance.loss_abs;
    checks.add(`${caseName}.${quantity}`, Math.abs(got[quantity]![0]! - expected[quantity]), limit);
  }
  if (caseName === 'full') checkInternals(checks, got, output, tensors, tolerance);
  if (!withGradients) return;
  const norm = Math.sqrt(got.grad_square_sum![0]!);
  checks.add(`${caseName}.grad_norm`, Math.abs(norm / expected.grad_norm - 1), tolerance.grad_rel_inf);
  const reference = new Tensors(folder, `grads_${caseName}.safetensors`);
  const nulls: string[] = golden.fp32_vs_fp64?.[caseName]?.grad?.null_gradient ?? [];
  const pieces = parameters.flatMap((parameter, index) =>
    splitParameter(parameter, got[`grad.${index}`] as Float32Array),
  );
  compareGradients(checks, caseName, pieces, reference, nulls, tolerance);
}

function outputLogits(graph: Graph, output: ModelOutput): void {
  const [, , width] = output.hidden.shape as [number, number, number];
  graph.output('logits', logitsOf(output, reshape(output.hidden, [-1, width])));
}

function outputInternals(graph: Graph, output: ModelOutput): void {
  output.hiddenStates.forEach((state, index) => {
    graph.output(`hidden.${index}`, state);
  });
  output.routers.forEach((router, index) => {
    graph.output(`router_logits.${index}`, router.moeLogits);
    graph.output(`top_index.${index}`, router.topIndices);
    graph.output(`top_weight.${index}`, router.topWeights);
  });
}

function checkInternals(
  checks: Checks,
  got: Record<string, ArrayLike<number>>,
  output: ModelOutput,
  tensors: Tensors,
  tolerance: Record<string, number>,
): void {
  const all = Float32Array.from(
    output.hiddenStates.flatMap((_, index) => Array.from(got[`hidden.${index}`]!)),
  );
  checks.add(
    'full.hidden_states',
    maxError(all, tensors.floats('full.hidden_states')),
    tolerance.logits_abs!,
  );
  output.routers.forEach((router, layer) => {
    const limit = tolerance.router_logits_abs ?? tolerance.logits_abs!;
    if (tensors.has(`full.router_logits.${layer}`)) {
      const logits = tensors.floats(`full.router_logits.${layer}`);
      checks.add(`full.router_logits.${layer}`, maxError(got[`router_logits.${layer}`]!, logits), limit);
    }
    const k = router.topIndices.shape[1]!;
    const { index, weight } = sortChoices(got[`top_index.${layer}`]!, got[`top_weight.${layer}`]!, k);
    checks.same(`full.router_topk_index.${layer}`, index, tensors.ints(`full.router_topk_index.${layer}`));
    const weights = tensors.floats(`full.router_topk_weight.${layer}`);
    checks.add(`full.router_topk_weight.${layer}`, maxError(weight, weights), limit);
  });
}

/** Choices of each token in ascending order of expert, as the fixtures hold them. */
function sortChoices(index: ArrayLike<number>, weight: ArrayLike<number>, k: number) {
  const sorted = { index: new Int32Array(index.length), weight: new Float32Array(index.length) };
  for (let first = 0; first < index.length; first += k) {
    const order = Array.from({ length: k }, (_, j) => first + j).sort((a, b) => index[a]! - index[b]!);
    order.forEach((from, j) => {
      sorted.index[first + j] = index[from]!;
      sorted.weight[first + j] = weight[from]!;
    });
  }
  return sorted;
}

/** The same weights under config_v4.json must give the same logits. */
async function checkOldConfig(
  context: GoldenContext,
  checks: Checks,
  loaded: LoadedModel,
  from: Case,
): Promise<void> {
  if (!existsSync(join(from.folder, 'config_v4.json'))) return;
  const model = await buildModel(readJson(from.folder, 'config_v4.json'), 'config_v4.json');
  const { rows, length, inputs } = caseInputs(from);
  const graph = new Graph();
  outputLogits(graph, model.forward(batchInputs(graph, rows, length)));
  const { logits } = await runGraph(context, loaded.session, graph, inputs);
  const error = maxError(logits!, from.tensors.floats('full.logits'));
  checks.add('config_v4.logits', error, from.golden.tolerance.logits_abs);
}

async function checkNarrow(
  context: GoldenContext,
  checks: Checks,
  { model, session }: LoadedModel,
  from: Case,
): Promise<void> {
  if (!from.tensors.has('full.logits_bf16')) return;
  const { rows, length, inputs } = caseInputs(from);
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows, length));
  outputLogits(graph, output);
  output.routers.forEach(({ topIndices }, layer) => {
    graph.output(`top_index.${layer}`, topIndices);
  });
  const got = await runGraph(context, session, graph, inputs, 'bf16');
  const choices = output.routers.map(({ topIndices }, layer) => {
    const index = got[`top_index.${layer}`]!;
    return sortChoices(index, index, topIndices.shape[1]!).index;
  });
  compareNarrow(checks, got.logits!, from.tensors, sameExperts(choices, from.tensors));
}
