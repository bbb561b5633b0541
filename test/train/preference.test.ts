import { expect } from 'chai';
import { compile, Graph, gradients } from '../../src/graph/index.js';
import { groupAdvantages } from '../../src/train/objectives/group-policy.js';
import { type PreferenceLoss, preferenceLoss } from '../../src/train/objectives/preference.js';
import { interpret } from '../graph/reference/interpreter.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const margin = 0.2 * (1.5 - -0.5); // beta (chosen - rejected) of the first pair

// one pair: policy prefers the chosen answer by 1.5 (3 tokens) and the rejected one by -0.5 (2 tokens)
const cases: [loss: PreferenceLoss, smoothing: number, expected: number][] = [
  ['sigmoid', 0, -Math.log(sigmoid(margin))],
  ['sigmoid', 0.25, -0.75 * Math.log(sigmoid(margin)) - 0.25 * Math.log(sigmoid(-margin))],
  ['robust', 0.25, (-0.75 * Math.log(sigmoid(margin)) + 0.25 * Math.log(sigmoid(-margin))) / 0.5],
  ['hinge', 0, 1 - margin],
  ['ipo', 0, (1.5 / 3 + 0.5 / 2 - 2.5) ** 2],
  ['apo_zero', 0, 1 - sigmoid(0.2 * 1.5) + sigmoid(0.2 * -0.5)],
  ['sigmoid_norm', 0, -Math.log(sigmoid(0.2 * (1.5 / 3 + 0.5 / 2)))],
];

function lossOf(loss: PreferenceLoss, labelSmoothing: number, chosen: number) {
  const graph = new Graph();
  const value = graph.state('chosen', 'f32', [1]);
  const total = preferenceLoss(
    {
      chosen: value,
      rejected: graph.constant([-0.5]),
      chosenTokens: graph.constant([3]),
      rejectedTokens: graph.constant([2]),
    },
    { loss, beta: 0.2, labelSmoothing },
  );
  graph.output('loss', total);
  graph.output('grad', gradients(total, [value])[0]!);
  const { outputs } = interpret(compile(graph, { threads: 1 }), {}, { chosen: [chosen] });
  return { loss: outputs.loss![0]!, grad: outputs.grad![0]! };
}

describe('preference losses', () => {
  for (const [loss, smoothing, expected] of cases) {
    it(`${loss} with smoothing ${smoothing} is its formula`, () => {
      expect(lossOf(loss, smoothing, 1.5).loss).to.be.closeTo(expected, 1e-6);
    });
  }

  it('stay finite, with a gradient, when the policy is far from the reference', () => {
    const { loss, grad } = lossOf('sigmoid', 0, -5000);
    expect(loss).to.be.closeTo(0.2 * 4999.5, 1e-3);
    expect(grad).to.be.closeTo(-0.2, 1e-6);
    expect(lossOf('sigmoid', 0, 5000).loss).to.equal(0);
  });
});

describe('group advantages', () => {
  const rewards = [1, 0, 0, 1, 3, 3, 3, 3];
  it('of a group without spread are zero', () => {
    expect(groupAdvantages(rewards, 4, 'group').slice(4)).to.deep.equal([0, 0, 0, 0]);
  });
  it('are centred within their own group', () => {
    expect(groupAdvantages(rewards, 4, 'none')).to.deep.equal([0.5, -0.5, -0.5, 0.5, 0, 0, 0, 0]);
  });
});
