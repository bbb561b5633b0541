import { Generator } from '../infer/index.js';
import { type Checks, maxError } from './checks.js';
import type { GoldenContext, LoadedModel, Tensors } from './fixture.js';

/** Greedy generation from one prompt and from a batch of unequal ones: ids equal, logits of every step close. */
export async function checkGeneration(
  context: GoldenContext,
  checks: Checks,
  { model, session }: LoadedModel,
  // biome-ignore lint/suspicious/noExplicitAny: the fixture's own layout
  golden: any,
  tensors: Tensors,
): Promise<void> {
  const suffix = '.prompt_ids';
  const stems = tensors.names
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length));
  for (const stem of stems) {
    const ids = tensors.ints(`${stem}.prompt_ids`);
    const [rows, length] = tensors.shape(`${stem}.prompt_ids`) as [number, number];
    const maskName = `${stem}.attention_mask`;
    const mask = tensors.has(maskName) ? tensors.ints(maskName) : null;
    const prompts = Array.from({ length: rows }, (_, row) =>
      Array.from(ids.subarray(row * length, (row + 1) * length)).filter(
        (_, t) => !mask || mask[row * length + t] === 1,
      ),
    );
    const [, steps] = tensors.shape(`${stem}.new_ids`) as [number, number];
    const expected = tensors.floats(`${stem}.step_logits`); // [rows, steps, V]
    const vocabulary = expected.length / rows / steps;
    let worst = 0;
    const generator = new Generator(model, session, { threads: context.threads });
    const generation = await generator.generate(prompts, {
      maxNewTokens: steps,
      temperature: 0,
      onLogits(step, logits) {
        for (let row = 0; row < rows; row++) {
          const mine = logits.subarray(row * vocabulary, (row + 1) * vocabulary);
          const first = (row * steps + step) * vocabulary;
          worst = Math.max(worst, maxError(mine, expected.subarray(first, first + vocabulary)));
        }
      },
    });
    generator.close();
    checks.same(`${stem}.new_ids`, generation.ids.flat(), tensors.ints(`${stem}.new_ids`));
    checks.add(`${stem}.step_logits`, worst, golden.tolerance.logits_abs);
  }
}
