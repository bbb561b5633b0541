import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../engine/index.js';
import { affine, Graph, reshape } from '../graph/index.js';
import { logitsOf } from '../infer/index.js';
import {
  type Adapter,
  batchInputs,
  type LoraAdapter,
  lmLoss,
  loadAdapter,
  type Model,
  mergeAdapter,
  savePeftFolder,
} from '../models/index.js';
import { Checks, maxError } from './checks.js';
import {
  countedPositions,
  countTargets,
  type GoldenContext,
  openModel,
  readJson,
  runGraph,
  shiftLabels,
  splitParameter,
  Tensors,
} from './fixture.js';
import { compareGradients, outputGradients } from './gradients.js';
import { followSteps, worstDifference } from './training-fixture.js';

/** `lora/<name>`: a PEFT adapter read, its gradients, its training, written, read again, and merged. */
export async function checkLora(context: GoldenContext, name: string): Promise<Checks> {
  const checks = new Checks(`lora/${name}`);
  const folder = join(context.folder, 'lora', name);
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const { tolerance } = golden;
  const { model, session } = await openModel(context, join(context.folder, golden.base));
  const check = async (quantity: string, adapter: Adapter | null) => {
    const { logits } = await forward(context, model, session, tensors, adapter);
    checks.add(quantity, maxError(logits!, tensors.floats(quantity)), tolerance.logits_abs);
  };
  await check('base_logits', null);

  const adapter = loadAdapter(join(folder, 'adapter_init'), model, session);
  await check('adapter_init_logits', adapter);
  await checkGradients(context, checks, model, session, tensors, adapter, folder, golden);
  await followSteps(context, checks, {
    model,
    session,
    trainable: [...adapter.parameters.values()],
    adapter,
    hyper: golden.hyper,
    recorded: golden.steps,
    batches: new Tensors(context.folder, golden.batches),
    perMean: false,
    label: 'training',
    tolerance,
  });
  const final = new Tensors(folder, 'adapter_final', 'adapter_model.safetensors');
  const trained = worstDifference(session, [...adapter.parameters.values()], final, '');
  checks.add('final_adapter', trained, tolerance.final_adapter_abs);

  const written = mkdtempSync(join(tmpdir(), 'sluice-golden-'));
  savePeftFolder(adapter, session, written, golden.base);
  await check('adapter_final_logits', loadAdapter(written, model, session));
  rmSync(written, { recursive: true });

  await check('adapter_final_logits', loadAdapter(join(folder, 'adapter_final'), model, session));
  await mergeAdapter(adapter, model, session, { threads: context.threads });
  await check('merged_logits', null);
  const merged = worstDifference(session, model.parameters(), new Tensors(folder, 'merged.safetensors'), '');
  checks.add('merged_weights', merged, 1e-6);
  session.close();
  checks.unread(tensors);
  return checks;
}

function inputsOf(tensors: Tensors) {
  const ids = tensors.ints('input_ids');
  const [rows, length] = tensors.shape('input_ids') as [number, number];
  const labels = shiftLabels(ids, length);
  const inputs = {
    input_ids: ids,
    segment_ids: new Int32Array(ids.length).fill(1),
    positions: countedPositions(rows, length),
    labels,
  };
  return { rows, length, inputs };
}

function forward(
  context: GoldenContext,
  model: Model,
  session: Session,
  tensors: Tensors,
  adapter: Adapter | null,
) {
  const { rows, length, inputs } = inputsOf(tensors);
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows, length), { adapter });
  graph.output('logits', logitsOf(output, reshape(output.hidden, [rows * length, -1])));
  return runGraph(context, session, graph, inputs);
}

/** Gradients of the mean loss on `input_ids`; the base weights get none. */
async function checkGradients(
  context: GoldenContext,
  checks: Checks,
  model: Model,
  session: Session,
  tensors: Tensors,
  adapter: LoraAdapter,
  folder: string,
  // biome-ignore lint/suspicious/noExplicitAny: the fixture's own layout
  golden: any,
): Promise<void> {
  const { rows, length, inputs } = inputsOf(tensors);
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, rows, length), { adapter });
  const sum = lmLoss(output, graph.input('labels', 'i32', [rows, length])).sum;
  const loss = affine(sum, 1 / countTargets(inputs.labels), 0);
  graph.output('loss', loss);
  const parameters = [...adapter.parameters.values()];
  outputGradients(
    graph,
    loss,
    parameters.map(({ name, shape }) => graph.state(name, 'f32', shape)),
  );
  const got = await runGraph(context, session, graph, inputs);
  const error = Math.abs(got.loss![0]! - golden.initial_loss_on_input_ids);
  checks.add('initial_loss', error, golden.tolerance.loss_abs);
  const pieces = parameters.flatMap((parameter, i) =>
    splitParameter(parameter, got[`grad.${i}`] as Float32Array),
  );
  const limits = { grad_rel_inf: 2e-5, grad_null_abs: 1e-6, ...golden.tolerance };
  compareGradients(checks, 'init', pieces, new Tensors(folder, 'grads_init.safetensors'), [], limits);
}
