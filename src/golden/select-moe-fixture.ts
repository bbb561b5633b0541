import { join } from 'node:path';
import { add, affine, Graph, gradients, mul, reshape, type Tensor } from '../graph/index.js';
import { logitsOf } from '../infer/index.js';
import {
  batchInputs,
  lmLoss,
  loadBalancingLoss,
  type QualityLossOptions,
  qualityLoss,
  qualityLossTypes,
  rowScores,
} from '../models/index.js';
import type { RouterOutput } from '../models/trace.js';
import { Checks, maxError, relativeError } from './checks.js';
import {
  countedPositions,
  countTargets,
  type GoldenContext,
  type LoadedModel,
  openModel,
  readJson,
  runGraph,
  shiftLabels,
  Tensors,
} from './fixture.js';

interface Hyper {
  beta_target_mean: number;
  beta_target_var: number;
  w_mean: number;
  w_var: number;
  lambda_var: number;
}

function lossOptions(type: string, hyper: Hyper): QualityLossOptions {
  return {
    type,
    betaTargetMean: hyper.beta_target_mean,
    betaTargetVar: hyper.beta_target_var,
    meanWeight: hyper.w_mean,
    varWeight: hyper.w_var,
    lambdaVar: hyper.lambda_var,
  };
}

/** `select_moe/`: logits, gate scores, row scores, every loss type and the recorded gradients. */
export async function checkSelectMoe(context: GoldenContext): Promise<Checks> {
  const checks = new Checks('select_moe');
  const folder = join(context.folder, 'select_moe');
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const loaded = await openModel(context, folder);
  try {
    for (const [caseName, expected] of Object.entries(golden.cases)) {
      await checkCase(context, checks, loaded, { caseName, expected, golden, tensors });
    }
  } finally {
    loaded.session.close();
  }
  checks.unread(tensors);
  return checks;
}

async function checkCase(
  context: GoldenContext,
  checks: Checks,
  { model, session }: LoadedModel,
  // biome-ignore lint/suspicious/noExplicitAny: the fixture's own layout
  from: { caseName: string; expected: any; golden: any; tensors: Tensors },
): Promise<void> {
  const { caseName, expected, golden, tensors } = from;
  const { tolerance, hyper, router_aux_loss_coef: coefficient } = golden;
  const [stem, type, balancing] = caseName.split('.') as [string, string, string?];
  const [rows, length] = tensors.shape(`${stem}.input_ids`) as [number, number];
  const mask = tensors.ints(`${stem}.attention_mask`);
  const labels = shiftLabels(tensors.ints(`${stem}.labels`), length);

  const graph = new Graph();
  const batch = batchInputs(graph, rows, length);
  const output = model.forward(batch);
  const lm = affine(
    lmLoss(output, graph.input('labels', 'i32', [rows, length])).sum,
    1 / countTargets(labels),
    0,
  );
  const quality = qualityLoss(output.routers, batch.segmentIds, lossOptions(type, hyper));
  let penalty: Tensor = mul(quality, hyper.quality_loss_weight);
  if (balancing) {
    const aux = loadBalancingLoss(output.routers, batch.segmentIds);
    graph.output('aux_loss', aux);
    penalty = add(aux, penalty);
  }
  const loss = add(lm, mul(penalty, coefficient));
  graph.output('loss', loss);
  graph.output('lm_loss', lm);
  graph.output('quality_loss', quality);
  graph.output('row_score', rowScores(output.routers, batch.segmentIds));
  graph.output('logits', logitsOf(output, reshape(output.hidden, [rows * length, -1])));
  output.routers.forEach(({ qualityScore }, layer) => {
    graph.output(`quality_score.${layer}`, qualityScore!);
  });
  const prefix = `${caseName}.grad.`;
  const names = tensors.names.filter((name) => name.startsWith(prefix));
  const states = names.map((name) => graph.state(name.slice(prefix.length), 'f32', tensors.shape(name)));
  gradients(loss, states).forEach((grad, index) => {
    if (grad) graph.output(names[index]!, grad);
  });
  const inputs = {
    input_ids: tensors.ints(`${stem}.input_ids`),
    segment_ids: mask,
    positions: countedPositions(rows, length),
    labels,
  };
  const got = await runGraph(context, session, graph, inputs);

  for (const quantity of ['loss', 'lm_loss', 'quality_loss', 'aux_loss']) {
    if (quantity === 'aux_loss' && !balancing) continue;
    const error = Math.abs(got[quantity]![0]! - expected[quantity]);
    checks.add(`${caseName}.${quantity}`, error, tolerance.loss_abs);
  }
  const gradientError = Math.max(
    ...names.map((name) => (got[name] ? relativeError(got[name], tensors.floats(name)) : Number.NaN)),
  );
  checks.add(`${caseName}.gradients`, gradientError, tolerance.grad_rel_inf);
  if (type !== 'sigmoid' || balancing) return;
  const vocabulary = output.headWeight.shape[0]!;
  const logits = maxError(
    got.logits!,
    tensors.floats(`${stem}.logits`),
    (i) => mask[Math.floor(i / vocabulary)] === 1,
  );
  checks.add(`${stem}.logits`, logits, tolerance.logits_abs);
  checks.add(
    `${stem}.row_score`,
    maxError(got.row_score!, tensors.floats(`${stem}.row_score`)),
    tolerance.score_abs,
  );
  output.routers.forEach((_, layer) => {
    const name = `quality_score.${layer}`;
    const error = maxError(got[name]!, tensors.floats(`${stem}.${name}`), (i) => mask[i] === 1);
    checks.add(`${stem}.${name}`, error, tolerance.logits_abs);
  });
}

/** `quality_losses/`: the four losses of one layer and their gradients by the score. */
export async function checkQualityLosses(context: GoldenContext): Promise<Checks> {
  const checks = new Checks('quality_losses');
  const folder = join(context.folder, 'quality_losses');
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const session = context.engine.session({ device: context.device, threads: context.threads });
  for (const [index, { hyper, losses }] of Object.entries<{
    hyper: Hyper;
    losses: Record<string, { fp64: number }>;
  }>(golden.cases)) {
    const shape = tensors.shape(`${index}.quality_score`);
    session.setState('score', 'f32', shape, tensors.floats(`${index}.quality_score`));
    for (const type of qualityLossTypes()) {
      const graph = new Graph();
      const score = graph.state('score', 'f32', shape);
      const segments = graph.input('segment_ids', 'i32', shape.slice(0, 2));
      const loss = qualityLoss(
        [{ qualityScore: score } as unknown as RouterOutput],
        segments,
        lossOptions(type, hyper),
      );
      graph.output('loss', loss);
      graph.output('grad', gradients(loss, [score])[0]!);
      const got = await runGraph(context, session, graph, {
        segment_ids: tensors.ints(`${index}.attention_mask`),
      });
      checks.add(
        `${index}.${type}.loss`,
        Math.abs(got.loss![0]! - losses[type]!.fp64),
        golden.tolerance.loss_abs,
      );
      const expected = tensors.floats(`${index}.${type}.grad_fp64`);
      checks.add(`${index}.${type}.gradient`, maxError(got.grad!, expected), golden.tolerance.grad_abs);
    }
  }
  session.close();
  return checks;
}
