import type { Checks } from './checks.js';
import type { Tensors } from './fixture.js';

/**
 * In bf16 the logits of case `full` may stray from the fp32 ones a quarter further than the reference's own do, on the
 * mean over the tokens for which `counts` is true.
 */
export function compareNarrow(
  checks: Checks,
  logits: ArrayLike<number>,
  tensors: Tensors,
  counts: (token: number) => boolean = () => true,
): void {
  const wide = tensors.floats('full.logits');
  const vocabulary = tensors.shape('full.logits').at(-1)!;
  const kept = Array.from({ length: wide.length / vocabulary }, (_, token) => token).filter(counts);
  const quantity = 'full.logits_bf16 (mean)';
  if (kept.length === 0) {
    checks.notes.push(
      `${checks.fixture} ${quantity}: every row begins with a token that chose other experts`,
    );
    return;
  }
  const meanError = (values: ArrayLike<number>) => {
    let total = 0;
    for (const token of kept)
      for (let i = token * vocabulary; i < (token + 1) * vocabulary; i++)
        total += Math.abs(values[i]! - wide[i]!);
    return total / kept.length / vocabulary;
  };
  checks.add(quantity, meanError(logits), 1.25 * meanError(tensors.floats('full.logits_bf16')));
}

/**
 * Whether a token of [rows, length], and all before it in its row, chose the experts of the fp32 run in every layer.
 * Where a router is all but undecided, the rounding to bf16 chooses otherwise, in the reference too but elsewhere, and
 * the token and those that look at it are right in another way. `choices` [layer][token·k], ascending by token.
 */
export function sameExperts(
  choices: readonly ArrayLike<number>[],
  tensors: Tensors,
): (token: number) => boolean {
  const [rows, length] = tensors.shape('full.input_ids') as [number, number];
  const same = new Array<boolean>(rows * length).fill(true);
  choices.forEach((chosen, layer) => {
    const expected = tensors.ints(`full.router_topk_index.${layer}`);
    const k = expected.length / same.length;
    for (let i = 0; i < expected.length; i++) if (chosen[i] !== expected[i]) same[Math.floor(i / k)] = false;
  });
  for (let token = 0; token < same.length; token++)
    if (token % length !== 0 && !same[token - 1]) same[token] = false;
  return (token) => same[token]!;
}
