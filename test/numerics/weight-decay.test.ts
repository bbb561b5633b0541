import { expect } from 'chai';
import { adamw, compile, Graph } from '../../src/graph/index.js';
import { useEngine } from './native-run.js';

describe('weight decay', () => {
  const engine = useEngine();

  it('loses nothing to rounding that adds up over steps', async () => {
    const [rate, decay, steps, count] = [0.01, 0.1, 2000, 64];
    const graph = new Graph();
    const shape = [count];
    const [weight, first, second] = ['w', 'm', 'v'].map((name) => graph.state(name, 'f32', shape));
    const [grad, scalars] = [graph.input('grad', 'f32', shape), graph.input('scalars', 'f32', [3])];
    const settings = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: decay };
    adamw(weight!, grad, first!, second!, scalars, settings);
    const session = engine().session({ device: 'cpu', threads: 1 });
    const initial = Float32Array.from({ length: count }, (_, i) => 1 + i / count);
    session.setState('w', 'f32', shape, initial);
    session.setState('m', 'f32', shape, null);
    session.setState('v', 'f32', shape, null);
    const executable = session.load(compile(graph, { threads: 1 }));
    const none = new Float32Array(count);
    for (let step = 1; step <= steps; step++)
      await executable.run({ grad: none, scalars: Float32Array.of(rate, step, 1) });
    const decayed = session.getState('w').data as Float32Array;
    session.close();
    // 0.999 as f32 is 1.3e-8 off, which 2,000 times is 2.6e-5; roundings that fall either way stay below 5e-6
    const factor = (1 - rate * decay) ** steps;
    const worst = Math.max(...decayed.map((value, i) => Math.abs(value / (initial[i]! * factor) - 1)));
    expect(worst).to.be.lessThan(5e-6);
  });
});
