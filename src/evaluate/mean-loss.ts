import type { Dataset } from '../data/index.js';
import type { Session } from '../engine/index.js';
import { compile, Graph, sum } from '../graph/index.js';
import { batchInputs, lmLoss, type Model } from '../models/index.js';

/** Mean negative log-likelihood (nats) and greedy accuracy over the targets of a dataset's first batches, in order. */
export async function meanLoss(
  model: Model,
  session: Session,
  data: Dataset,
  options: { batchSize: number; batches: number; threads: number },
): Promise<{ loss: number; accuracy: number; targets: number }> {
  const { batchSize, threads } = options;
  const graph = new Graph();
  const output = model.forward(batchInputs(graph, batchSize, data.length));
  const lm = lmLoss(output, graph.input('labels', 'i32', [batchSize, data.length]));
  graph.output('loss', lm.sum);
  graph.output('correct', sum(lm.correct));
  const executable = session.load(compile(graph, { threads }));
  const totals = { loss: 0, correct: 0, targets: 0 };
  const batches = Math.min(options.batches, Math.ceil(data.rows / batchSize));
  for (let step = 0; step < batches; step += 1) {
    const batch = data.inOrder(step, batchSize);
    const { loss, correct } = await executable.run({
      input_ids: batch.inputIds,
      segment_ids: batch.segmentIds,
      positions: batch.positions,
      labels: batch.labels,
    });
    totals.loss += loss![0]!;
    totals.correct += correct![0]!;
    totals.targets += batch.targets;
  }
  return {
    loss: totals.loss / totals.targets,
    accuracy: totals.correct / totals.targets,
    targets: totals.targets,
  };
}
