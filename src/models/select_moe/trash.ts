import { add, mean, mul, randomNormal, sqrt, square, sub, sum, type Tensor } from '../../graph/index.js';
import type { ConfigReader } from '../config-reader.js';
import type { ModelTrace } from '../trace.js';

/** What a token gets in place of the experts' answer, [B,T,H] from h [B,T,H]; null is all zeros. */
export type Trash = (trace: ModelTrace, h: Tensor) => Tensor | null;

const registered = new Map<string, Trash>();

/** Makes `trash_expert_mode: custom` with `trash_expert_name: <name>` use `trash`. */
export function registerTrash(name: string, trash: Trash): void {
  registered.set(name, trash);
}

export function readTrash(config: ConfigReader): Trash {
  const mode = config.choice('trash_expert_mode', ['zero', 'noise', 'custom'], 'zero');
  if (mode === 'zero') return () => null;
  if (mode === 'noise') return noise;
  const name = config.string('trash_expert_name');
  return (
    registered.get(name) ??
    config.fail('trash_expert_name', `a registered function (${[...registered.keys()]})`)
  );
}

/** Normal noise with the token's own mean and sample standard deviation (n-1) + 1e-8. */
function noise(trace: ModelTrace, h: Tensor): Tensor {
  const width = h.shape.at(-1)!;
  const average = mean(h, { axes: [-1], keepdims: true });
  const variance = mul(sum(square(sub(h, average)), { axes: [-1], keepdims: true }), 1 / (width - 1));
  const deviation = add(sqrt(variance), 1e-8);
  const drawn = randomNormal(trace.graph, trace.rng, h.shape, trace.nextStream());
  return add(mul(drawn, deviation), average);
}
