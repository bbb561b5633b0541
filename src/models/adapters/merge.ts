import { accumulate, affine, compile, Graph, matmul, transpose } from '../../graph/index.js';
import type { ProgramStore } from '../initialize.js';
import type { Model } from '../model.js';
import { type LoraAdapter, stateName } from './lora.js';

/** Adds scale · B·A to the weights in the session, so that the model alone answers as the model with the adapter. */
export async function mergeAdapter(
  adapter: LoraAdapter,
  model: Model,
  session: ProgramStore,
  options: { threads: number },
): Promise<void> {
  const shapes = new Map(model.parameters().map(({ name, shape }) => [name, shape]));
  const graph = new Graph();
  for (const { path, transposed } of adapter.sites.values()) {
    graph.scope(path, () => {
      const [a, b] = (['A', 'B'] as const).map((letter) => {
        const { name, shape } = adapter.parameters.get(stateName(path, letter))!;
        return graph.state(name, 'f32', shape);
      });
      const product = affine(matmul(b!, a!), adapter.scale, 0); // [out,in], or one per expert
      const weight = graph.state(`${path}.weight`, 'f32', shapes.get(`${path}.weight`)!);
      accumulate(weight, transposed ? transpose(product, [1, 0]) : product);
    });
  }
  await session.load(compile(graph, options)).run({});
}
