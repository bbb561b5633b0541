import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  add,
  affine,
  compile,
  Graph,
  gradients,
  mul,
  reshape,
  sumSquares,
  type Tensor,
} from '../../src/graph/index.js';
import { logitsOf } from '../../src/infer/index.js';
import { batchInputs, buildModel, lmLoss, loadBalancingLoss } from '../../src/models/index.js';
import { setFormulaWeights } from './formula-weights.js';
import { ReferenceSession } from './reference-session.js';

interface Recorded {
  input_ids: number[][];
  mask: number[][];
  labels: number[][];
  models: Record<
    string,
    {
      config: Record<string, unknown>;
      loss: number;
      aux_loss: number | null;
      grad_norm: number;
      logits: number[];
    }
  >;
}

// What Transformers 5.17 computes in fp64 (losses in fp32) for weights by formula: test/models/formula-weights.ts.
const recorded: Recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../test/models/recorded.json'), 'utf8'),
);

describe('model families', () => {
  for (const [name, { config, loss, aux_loss: auxLoss, grad_norm: gradNorm, logits }] of Object.entries(
    recorded.models,
  )) {
    it(`${name} gives the reference's logits, loss and gradient norm`, async () => {
      const model = await buildModel(config);
      const session = new ReferenceSession();
      setFormulaWeights(model, session);
      const [rows, length] = [recorded.input_ids.length, recorded.input_ids[0]!.length];
      const graph = new Graph();
      const batch = batchInputs(graph, rows, length);
      const output = model.forward(batch);
      graph.output('logits', logitsOf(output, reshape(output.hidden, [rows * length, -1])));
      const shifted = recorded.labels.flatMap((row) => [...row.slice(1), -100]);
      const targets = shifted.filter((label) => label >= 0).length;
      let total = affine(lmLoss(output, graph.input('labels', 'i32', [rows, length])).sum, 1 / targets, 0);
      if (auxLoss !== null) {
        const aux = loadBalancingLoss(output.routers, batch.segmentIds);
        graph.output('aux_loss', aux);
        total = add(total, mul(aux, Number(config.router_aux_loss_coef)));
      }
      graph.output('loss', total);
      const weights = model.parameters().filter(({ buffer }) => !buffer);
      const grads = gradients(
        total,
        weights.map((weight) => graph.state(weight.name, 'f32', weight.shape)),
      );
      graph.output('norm', sumSquares(grads.filter((grad) => grad !== null) as [Tensor, ...Tensor[]]));

      const program = compile(graph, { threads: 1 });
      const inputs: Record<string, Int32Array> = {
        input_ids: Int32Array.from(recorded.input_ids.flat()),
        segment_ids: Int32Array.from(recorded.mask.flat()),
        positions: Int32Array.from({ length: rows * length }, (_, i) => i % length),
        labels: Int32Array.from(shifted),
      };
      const got = await session.load(program).run(inputs);
      const vocabulary = got.logits!.length / rows / length;
      const last = got.logits!.subarray((length - 1) * vocabulary, (length - 1) * vocabulary + logits.length);
      logits.forEach((logit, i) => {
        expect(last[i]).to.be.closeTo(logit, 1e-5);
      });
      expect(got.loss![0]).to.be.closeTo(loss, 3e-6);
      if (auxLoss !== null) expect(got.aux_loss![0]).to.be.closeTo(auxLoss, 1e-6);
      expect(Math.sqrt(got.norm![0]!)).to.be.closeTo(gradNorm, 2e-5 * gradNorm);
    });
  }
});
