import type { NumericRow } from '../row.js';
import { attentionRows } from './attention.js';
import { elementwiseRows } from './elementwise.js';
import { indexedRows } from './indexed.js';
import { lossRows } from './loss.js';
import { matmulRows } from './matmul.js';
import { moeRows } from './moe.js';
import { normRows } from './norm.js';
import { optimizerRows } from './optimizer.js';
import { quantizedRows } from './quantized.js';
import { randomRows } from './random.js';
import { reduceRows } from './reduce.js';
import { shapeRows } from './shape.js';

/** Every case of the op table. */
export const numericRows: readonly NumericRow[] = [
  ...elementwiseRows,
  ...reduceRows,
  ...shapeRows,
  ...indexedRows,
  ...matmulRows,
  ...quantizedRows,
  ...normRows,
  ...attentionRows,
  ...lossRows,
  ...moeRows,
  ...randomRows,
  ...optimizerRows,
];
