/**
 * Rolling windows over one document as lm-evaluation-harness makes them: every token is scored once, windows are
 * disjoint but for one token of context, and the first token is scored after `prefix`. `length` counts the context token;
 * each window scores all of its ids but the first.
 */
export function rollingWindows(ids: readonly number[], prefix: number, length: number): { ids: number[] }[] {
  const whole = [prefix, ...ids];
  const windows: { ids: number[] }[] = [];
  for (let first = 0; first < ids.length; first += length - 1) {
    windows.push({ ids: whole.slice(first, first + length) });
  }
  return windows;
}

/** exp of the mean negative log-likelihood per token. */
export const perplexity = (nll: number, tokens: number): number => Math.exp(nll / tokens);
