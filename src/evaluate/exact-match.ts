/** 1 where the generated text is the answer, blanks at both ends aside; else 0. */
export const exactMatch = (generated: string, answer: string): number =>
  generated.trim() === answer.trim() ? 1 : 0;

/** Mean and its standard error (sample deviation, n-1), as lm-evaluation-harness reports them. */
export function meanWithError(values: readonly number[]): { mean: number; stderr: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, stderr: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1) / values.length) };
}
