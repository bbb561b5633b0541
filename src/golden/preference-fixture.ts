import { join } from 'node:path';
import { affine, Graph, gradients, mul, reshape, slice, sub, sum, type Tensor } from '../graph/index.js';
import { batchInputs, lmLoss } from '../models/index.js';
import {
  type GroupPolicyOptions,
  groupAdvantages,
  groupPolicyLoss,
} from '../train/objectives/group-policy.js';
import { type PreferenceLoss, preferenceLoss } from '../train/objectives/preference.js';
import { Checks, maxError } from './checks.js';
import {
  countedPositions,
  type GoldenContext,
  type LoadedModel,
  openModel,
  readJson,
  runGraph,
  splitParameter,
  Tensors,
} from './fixture.js';
import { compareGradients, outputGradients } from './gradients.js';

/** `dpo/`: log-probabilities of policy and reference, every loss, rewards, and the gradients of the sigmoid loss. */
export async function checkPreference(context: GoldenContext): Promise<Checks> {
  const checks = new Checks('dpo');
  const folder = join(context.folder, 'dpo');
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const { tolerance } = golden;
  const policy = await openModel(context, join(context.folder, golden.policy));
  const reference = await openModel(context, join(context.folder, golden.reference));
  const [rows, length] = tensors.shape('input_ids') as [number, number];
  const ids = tensors.ints('input_ids');
  const answer = tensors.ints('completion_mask');
  const inputs = {
    input_ids: ids,
    segment_ids: tensors.ints('attention_mask'),
    positions: countedPositions(rows, length),
    labels: Int32Array.from(ids, (_, i) =>
      (i + 1) % length !== 0 && answer[i + 1] === 1 ? ids[i + 1]! : -100,
    ),
  };

  const refGraph = new Graph();
  refGraph.output('logps', sequenceLogps(refGraph, reference, rows, length).perToken);
  const refTokens = (await runGraph(context, reference.session, refGraph, inputs)).logps as Float32Array;
  const shifted = (index: number) => inputs.labels[index]! >= 0;
  compareTokens(
    checks,
    'ref_token_logps',
    refTokens,
    tensors.floats('ref_token_logps'),
    length,
    shifted,
    tolerance,
  );

  const pairs = rows / 2;
  const countOf = (row: number) =>
    answer.subarray(row * length, (row + 1) * length).reduce((a, b) => a + b, 0);
  const counts = Array.from({ length: rows }, (_, row) => countOf(row));
  const refSums = Array.from({ length: rows }, (_, row) =>
    refTokens.subarray(row * length, (row + 1) * length).reduce((a, b) => a + b, 0),
  );
  checks.add('ref_logps', maxError(refSums, tensors.floats('ref_logps')), tolerance.logps_abs);

  const graph = new Graph();
  const { perToken, perRow } = sequenceLogps(graph, policy, rows, length);
  // token by token before the sum: sums of unlike size would leave few digits of their difference
  const ratios = sum(reshape(sub(perToken, graph.constant([...refTokens])), [rows, length]), { axes: [1] });
  const preference = {
    chosen: slice(ratios, 0, 0, pairs),
    rejected: slice(ratios, 0, pairs),
    chosenTokens: graph.constant(counts.slice(0, pairs)),
    rejectedTokens: graph.constant(counts.slice(pairs)),
  };
  graph.output('token_logps', perToken);
  graph.output('logps', perRow);
  graph.output('chosen_rewards', mul(preference.chosen, golden.beta));
  graph.output('rejected_rewards', mul(preference.rejected, golden.beta));
  const { metrics, ...losses } = golden.results;
  for (const [loss, { label_smoothing: labelSmoothing }] of Object.entries<{ label_smoothing: number }>(
    losses,
  )) {
    const value = preferenceLoss(preference, {
      loss: loss as PreferenceLoss,
      beta: golden.beta,
      labelSmoothing,
    });
    graph.output(loss, value);
    if (loss !== 'sigmoid') continue;
    outputGradients(
      graph,
      value,
      policy.model.parameters().map(({ name, shape }) => graph.state(name, 'f32', shape)),
    );
  }
  const got = await runGraph(context, policy.session, graph, inputs);
  const tokens = got.token_logps as Float32Array;
  compareTokens(
    checks,
    'policy_token_logps',
    tokens,
    tensors.floats('policy_token_logps'),
    length,
    shifted,
    tolerance,
  );
  checks.add('policy_logps', maxError(got.logps!, tensors.floats('policy_logps')), tolerance.logps_abs);
  for (const name of ['chosen_rewards', 'rejected_rewards']) {
    checks.add(name, maxError(got[name]!, tensors.floats(name)), tolerance.logps_abs);
  }
  const margins = Array.from(got.chosen_rewards!, (reward, pair) => reward - got.rejected_rewards![pair]!);
  const margin = margins.reduce((a, b) => a + b, 0) / pairs;
  checks.add('rewards/margins', Math.abs(margin - metrics['rewards/margins']), tolerance.logps_abs);
  for (const [loss, { loss: expected }] of Object.entries<{ loss: number }>(losses)) {
    checks.add(loss, Math.abs(got[loss]![0]! - expected), tolerance.loss_abs);
  }
  const norm = Math.sqrt(got.grad_square_sum![0]!);
  checks.add('sigmoid.grad_norm', Math.abs(norm / losses.sigmoid.grad_norm - 1), tolerance.grad_rel_inf);
  const pieces = policy.model
    .parameters()
    .flatMap((parameter, i) => splitParameter(parameter, got[`grad.${i}`] as Float32Array));
  const recorded = new Tensors(folder, 'grads_sigmoid.safetensors');
  compareGradients(checks, 'sigmoid', pieces, recorded, [], { ...tolerance, grad_null_abs: 1e-6 });
  policy.session.close();
  reference.session.close();
  checks.unread(tensors);
  return checks;
}

/** Log-probability of every labelled token, [rows*length] (0 elsewhere), and their sum by row. */
function sequenceLogps(graph: Graph, { model }: LoadedModel, rows: number, length: number) {
  const output = model.forward(batchInputs(graph, rows, length));
  const labels = graph.input('labels', 'i32', [rows, length]);
  const perToken = affine(lmLoss(output, labels).perToken, -1, 0);
  const perRow: Tensor = sum(reshape(perToken, [rows, length]), { axes: [1] });
  return { perToken, perRow };
}

/** Compares at the answers' tokens; the fixture has one column less, having no target after the last token. */
function compareTokens(
  checks: Checks,
  name: string,
  got: Float32Array,
  expected: Float32Array,
  length: number,
  isAnswer: (index: number) => boolean,
  tolerance: { logps_abs: number },
): void {
  const kept = got.filter((_, i) => (i + 1) % length !== 0);
  const place = (i: number) => Math.floor(i / (length - 1)) * length + (i % (length - 1));
  checks.add(
    name,
    maxError(kept, expected, (i) => isAnswer(place(i))),
    tolerance.logps_abs,
  );
}

interface GroupPolicyCase {
  loss: number;
  config: {
    importance_sampling_level: 'token' | 'sequence';
    beta: number;
    epsilon_low: number;
    epsilon_high: number;
    max_completion_length: number;
    scale_rewards: 'group' | 'batch' | 'none';
    old_logps: boolean;
    loss_type: GroupPolicyOptions['loss'];
  };
}

const groupPolicyLosses: readonly GroupPolicyOptions['loss'][] = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo'];

/** `grpo/`: advantages, and the losses with their gradients by the given log-probabilities. */
export async function checkGroupPolicy(context: GoldenContext): Promise<Checks> {
  const checks = new Checks('grpo');
  const folder = join(context.folder, 'grpo');
  const golden = readJson(folder, 'golden.json');
  const tensors = new Tensors(folder, 'golden.safetensors');
  const shape = tensors.shape('per_token_logps');
  const weights = tensors.floats('reward_weights');
  const perFunction = tensors.floats('rewards_per_func');
  const rewards = Array.from({ length: shape[0]! }, (_, row) =>
    weights.reduce((total, weight, k) => total + weight * perFunction[row * weights.length + k]!, 0),
  );
  const session = context.engine.session({ device: context.device, threads: context.threads });
  session.setState('logps', 'f32', shape, tensors.floats('per_token_logps'));
  for (const scale of ['group', 'batch', 'none'] as const) {
    const advantages = groupAdvantages(rewards, golden.num_generations, scale);
    checks.add(`advantages.${scale}`, maxError(advantages, tensors.floats(`advantages.${scale}`)), 1e-5);
  }
  for (const [name, { config, loss: expected }] of Object.entries<GroupPolicyCase>(golden.cases)) {
    if (!groupPolicyLosses.includes(config.loss_type)) {
      checks.failed(name, `there is no loss ${config.loss_type} here`);
      continue;
    }
    const graph = new Graph();
    const logps = graph.state('logps', 'f32', shape);
    const loss = groupPolicyLoss(
      {
        logps,
        oldLogps: config.old_logps ? graph.input('old', 'f32', shape) : null,
        refLogps: graph.input('ref', 'f32', shape),
        advantages: graph.constant(groupAdvantages(rewards, golden.num_generations, config.scale_rewards)),
        mask: graph.input('mask', 'f32', shape),
      },
      {
        loss: config.loss_type,
        importance: config.importance_sampling_level,
        beta: config.beta,
        epsilonLow: config.epsilon_low,
        epsilonHigh: config.epsilon_high,
        maxCompletionLength: config.max_completion_length,
      },
    );
    graph.output('loss', loss);
    graph.output('grad', gradients(loss, [logps])[0]!);
    const got = await runGraph(context, session, graph, {
      old: tensors.floats('old_per_token_logps'),
      ref: tensors.floats('ref_per_token_logps'),
      mask: Float32Array.from(tensors.ints('completion_mask')),
    });
    checks.add(`${name}.loss`, Math.abs(got.loss![0]! - expected), golden.tolerance.loss_abs);
    checks.add(
      `${name}.gradient`,
      maxError(got.grad!, tensors.floats(`${name}.grad_logps`)),
      golden.tolerance.grad_abs,
    );
  }
  session.close();
  checks.unread(tensors);
  return checks;
}
