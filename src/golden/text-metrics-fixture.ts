import { type BleuOptions, bleu, chrf, ter } from '../evaluate/index.js';
import type { Checks } from './checks.js';
import { readJson } from './fixture.js';

interface TextSet {
  hypotheses: string[];
  references: string[][];
  results: Record<string, unknown>;
}

/** Options behind the recorded names. */
const bleuCases: Record<string, BleuOptions> = {
  default: {},
  lowercase: { lowercase: true },
  tokenize_none: { tokenize: 'none' },
  tokenize_char: { tokenize: 'char' },
  tokenize_intl: { tokenize: 'intl' },
  tokenize_zh: { tokenize: 'zh' },
  tokenize_13a: { tokenize: '13a' },
  smooth_none: { smooth: 'none' },
  smooth_floor: { smooth: 'floor' },
  smooth_add_k: { smooth: 'add-k' },
};

const otherCases: Record<string, (set: TextSet) => number> = {
  chrf2: ({ hypotheses, references }) => chrf(hypotheses, references),
  'chrf2++': ({ hypotheses, references }) => chrf(hypotheses, references, { wordOrder: 2 }),
  chrf_lower: ({ hypotheses, references }) => chrf(hypotheses, references, { lowercase: true }),
  chrf_ws: ({ hypotheses, references }) => chrf(hypotheses, references, { whitespace: true }),
  ter: ({ hypotheses, references }) => ter(hypotheses, references),
};

/** `metrics/sacrebleu.json`: every number of every set; for each name the largest error. */
export function checkTextMetrics(checks: Checks, folder: string): void {
  const golden = readJson(folder, 'sacrebleu.json');
  const errors = new Map<string, number>();
  for (const set of golden.sets as TextSet[]) {
    for (const [name, expected] of Object.entries(set.results)) {
      const got = resultOf(name, set);
      if (got === undefined) {
        checks.failed(name, 'there is no such metric here');
        continue;
      }
      errors.set(name, Math.max(errors.get(name) ?? 0, largestError(got, expected)));
    }
  }
  for (const [name, error] of errors) checks.add(name, error, golden.tolerance_abs);
}

function resultOf(name: string, set: TextSet): unknown {
  const { hypotheses, references } = set;
  if (name === 'bleu.sentence_effective_order') {
    return hypotheses.map(
      (hypothesis, i) =>
        bleu(
          [hypothesis],
          references.map((column) => [column[i]!]),
          { effectiveOrder: true },
        ).score,
    );
  }
  if (name in otherCases) return { score: otherCases[name]!(set) };
  const options = bleuCases[name.replace('bleu.', '')];
  if (options === undefined) return undefined;
  const { sysLength: sys_len, refLength: ref_len, ...others } = bleu(hypotheses, references, options);
  return { ...others, sys_len, ref_len };
}

/** Over all numbers in both; what is recorded and no number (a signature) is left out. */
function largestError(got: unknown, expected: unknown): number {
  if (typeof expected === 'number') return Math.abs((got as number) - expected);
  if (typeof expected !== 'object' || expected === null) return 0;
  const keys = Object.keys(expected).filter((key) => key !== 'signature');
  return Math.max(
    0,
    ...keys.map((key) =>
      largestError((got as Record<string, unknown>)[key], (expected as Record<string, unknown>)[key]),
    ),
  );
}
