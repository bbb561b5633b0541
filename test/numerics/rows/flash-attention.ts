import { Data, type Given, i32Of } from '../data.js';
import { type NumericRow, row } from '../row.js';

/** One case of attention in bf16 on matrix units: lengths, heads and what is seen. */
interface Case {
  readonly name: string;
  readonly batch?: number;
  readonly queries: number;
  readonly keys?: number;
  readonly heads?: number;
  readonly groups?: number;
  readonly depth: 64 | 96 | 128;
  readonly causal?: boolean;
  readonly window?: number;
  readonly softcap?: number;
  /** How many documents a row of tokens holds; of several, padding follows the last. */
  readonly documents?: number;
  /** Of a cache: the place of each row's first query. */
  readonly start?: readonly number[];
}

/** The ones that every test run takes. */
const few: readonly Case[] = [
  {
    name: 'of packed documents, with grouped heads',
    batch: 2,
    queries: 70,
    heads: 4,
    groups: 2,
    depth: 64,
    documents: 3,
  },
  { name: 'past one group of queries, with a window', queries: 131, depth: 64, window: 40 },
  { name: 'of 96 with a softcap', queries: 65, heads: 2, groups: 1, depth: 96, softcap: 1.5 },
  {
    name: 'of 128 both ways, with fewer queries than keys',
    queries: 17,
    keys: 50,
    depth: 128,
    causal: false,
  },
  { name: 'into a cache', batch: 2, queries: 20, keys: 90, heads: 2, groups: 1, depth: 64, start: [66, 3] },
];

/** Every head size at awkward lengths, with every kind of sight. */
function* grid(): Generator<Case> {
  for (const depth of [64, 96, 128] as const) {
    for (const queries of [1, 16, 17, 63, 64, 65, 127, 130, 200])
      yield { name: `of ${depth}, ${queries} long`, queries, heads: 2, groups: 1, depth };
    yield { name: `of ${depth}, seven documents`, batch: 2, queries: 150, heads: 2, depth, documents: 7 };
    yield { name: `of ${depth}, documents both ways`, queries: 150, depth, documents: 4, causal: false };
    yield { name: `of ${depth}, a window both ways`, queries: 150, depth, window: 33, causal: false };
    yield { name: `of ${depth}, a window of one`, queries: 70, depth, window: 1 };
    yield {
      name: `of ${depth}, a window over documents`,
      queries: 200,
      heads: 4,
      groups: 2,
      depth,
      window: 65,
      documents: 3,
    };
    yield {
      name: `of ${depth}, all at once`,
      batch: 2,
      queries: 140,
      heads: 6,
      groups: 2,
      depth,
      window: 50,
      documents: 3,
      softcap: 2,
    };
    yield { name: `of ${depth}, more queries than keys`, queries: 150, keys: 20, depth };
    yield { name: `of ${depth}, more keys than queries`, queries: 20, keys: 150, depth };
    yield {
      name: `of ${depth}, into a long cache`,
      batch: 2,
      queries: 33,
      keys: 300,
      depth,
      start: [267, 0],
      window: 100,
    };
  }
}

/** The rows for bf16 alone: in f32 another kernel does them, which the rows of attention.ts hold. */
export function flashAttentionRows(all: boolean): NumericRow[] {
  return [...few, ...(all ? grid() : [])].map((each) =>
    row('attention', each.name, inputsOf(each), {
      attributes: attributesOf(each),
      gradient: each.start ? [] : ['q', 'k', 'v'],
      finiteDifferences: false,
    }),
  );
}

/** The backward op alone, for faults that are planted in it and not in what comes before. */
export const flashAttentionGradRow = (() => {
  const each: Case = {
    name: 'past one group of keys, with grouped heads',
    queries: 150,
    heads: 2,
    groups: 1,
    depth: 64,
  };
  const data = new Data(17);
  const { q, k, v, q_segments, k_segments } = inputsOf(each);
  const inputs = {
    do: data.normal(q.shape),
    ...{ q, k, v },
    o: data.normal(q.shape, 0.3),
    lse: data.normal([1, 2, 150], 0.2, 5),
    ...{ q_segments, k_segments },
  };
  return row('attention_grad', each.name, inputs, { attributes: attributesOf(each) });
})();

function attributesOf({ depth, causal = true, window = 0, softcap = 0 }: Case) {
  return { scale: 1 / Math.sqrt(depth), causal, window, softcap };
}

function inputsOf(each: Case) {
  const { batch = 1, queries, keys = queries, heads = 1, groups = heads, depth, documents = 1, start } = each;
  const data = new Data(queries + depth);
  const segmentsOf = (length: number): Given =>
    i32Of(
      [batch, length],
      Array.from({ length: batch * length }, (_, i) => {
        const place = i % length;
        return documents > 1 && place >= length - 5 ? 0 : 1 + Math.floor((place * documents) / length);
      }),
    );
  return {
    q: data.normal([batch, queries, heads, depth]),
    k: data.normal([batch, keys, groups, depth]),
    v: data.normal([batch, keys, groups, depth]),
    q_segments: segmentsOf(queries),
    k_segments: segmentsOf(keys),
    ...(start && { q_start: i32Of([batch], start) }),
  };
}
