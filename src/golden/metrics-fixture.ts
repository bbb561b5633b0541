import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Scorer } from '../infer/index.js';
import { Checks } from './checks.js';
import { type GoldenContext, openModel, readJson, Tensors } from './fixture.js';
import { checkTextMetrics } from './text-metrics-fixture.js';

interface Window {
  begin: number;
  end: number;
  trg_len: number;
  mean_nll: number;
  scored_tokens: number;
}

interface PerplexityRun {
  max_length: number;
  stride: number;
  ppl_documented: number;
  ppl_exact_token_weighting: number;
  windows: Window[];
}

/** `metrics/`: perplexity with a sliding window, and the text metrics. */
export async function checkMetrics(context: GoldenContext): Promise<Checks> {
  const checks = new Checks('metrics');
  const folder = join(context.folder, 'metrics');
  if (existsSync(join(folder, 'perplexity.json'))) await checkPerplexity(context, checks, folder);
  if (existsSync(join(folder, 'sacrebleu.json'))) checkTextMetrics(checks, folder);
  return checks;
}

async function checkPerplexity(context: GoldenContext, checks: Checks, folder: string): Promise<void> {
  const golden = readJson(folder, 'perplexity.json');
  const ids = Array.from(new Tensors(context.folder, golden.input).ints('input_ids'));
  const { model, session } = await openModel(context, join(context.folder, golden.model));
  const scorer = new Scorer(model, session, { threads: context.threads });
  for (const run of golden.runs as PerplexityRun[]) {
    const scores = await scorer.score(run.windows.map(({ begin, end }) => ids.slice(begin, end)));
    const sums = scores.map(({ nll }, i) =>
      nll.slice(-run.windows[i]!.scored_tokens).reduce((a, b) => a + b, 0),
    );
    // the documented recipe weighs a window's mean by its labels less one
    const weights = { exact: (w: Window) => w.scored_tokens, documented: (w: Window) => w.trg_len - 1 };
    const perplexity = (weight: (window: Window) => number) => {
      const total = run.windows.reduce(
        (sum, window, i) => sum + (sums[i]! / window.scored_tokens) * weight(window),
        0,
      );
      return Math.exp(total / run.windows.reduce((sum, window) => sum + weight(window), 0));
    };
    const label = `perplexity.${run.max_length}.${run.stride}`;
    const relative = (got: number, expected: number) => Math.abs(got / expected - 1);
    checks.add(
      `${label}.exact`,
      relative(perplexity(weights.exact), run.ppl_exact_token_weighting),
      golden.tolerance_rel,
    );
    checks.add(
      `${label}.documented`,
      relative(perplexity(weights.documented), run.ppl_documented),
      golden.tolerance_rel,
    );
    const worst = run.windows.map((w, i) => relative(sums[i]! / w.scored_tokens, w.mean_nll));
    checks.add(`${label}.windows`, Math.max(...worst), golden.tolerance_rel);
  }
  session.close();
}
