import type { Engine, ProductTimes } from '../engine/index.js';
import { median } from '../telemetry/median.js';
import type { StepProduct } from './step-products.js';

/** A product's speed by the engine's own op and by the product library alone. */
export interface ComparedProduct extends Omit<StepProduct, 'isBlock'> {
  threads: number;
  /** Medians of all turns, on one thread by its processor time, so that other work on the machine counts little. */
  gflops_per_second: number;
  /** The faster of the library's ways; null where the engine is built without it. */
  library_gflops_per_second: number | null;
  library: string | null;
  /** The engine's speed to the library's. */
  ratio: number | null;
  /** The engine's by the wall clock. */
  wall_gflops_per_second: number;
}

const turns = 7;
const seconds = 0.02;

/** Compares each product in turns; blocks of larger ops on one thread, as they run. Throws `engine.peak`. */
export async function compareProducts(
  engine: Engine,
  products: readonly StepProduct[],
  options: { threads: number; onProduct: (done: number) => void; signal: AbortSignal },
): Promise<ComparedProduct[]> {
  const compared: ComparedProduct[] = [];
  for (const { isBlock, what, calls, ...shape } of products) {
    if (options.signal.aborted) break;
    const threads = isBlock ? 1 : options.threads;
    const [own, ...libraries] = await engine.compareProducts({ ...shape, threads, turns, seconds });
    const time = (of: ProductTimes) => median(threads === 1 ? of.cpu : of.wall);
    const library = libraries.sort((a, b) => time(a) - time(b))[0];
    const gflop = (2 * shape.rows * shape.columns * shape.depth) / 1e9;
    compared.push({
      what,
      calls,
      ...shape,
      threads,
      gflops_per_second: gflop / time(own!),
      library_gflops_per_second: library ? gflop / time(library) : null,
      library: library?.name ?? null,
      ratio: library ? time(library) / time(own!) : null,
      wall_gflops_per_second: gflop / median(own!.wall),
    });
    options.onProduct(compared.length);
  }
  return compared;
}

/** What all products of a step take by the library, as a share of what they take by the engine; null without one. */
export function ratioOfAll(products: readonly ComparedProduct[]): number | null {
  let [own, library] = [0, 0];
  for (const { calls, rows, columns, depth, gflops_per_second, ratio } of products) {
    if (ratio === null) return null;
    const taken = (calls * rows * columns * depth) / gflops_per_second;
    own += taken;
    library += taken * ratio;
  }
  return library / own;
}

export function comparisonTable(products: readonly ComparedProduct[]) {
  const side = (product: ComparedProduct) =>
    `${product.transA ? 'aᵀ' : 'a'} ${product.transB ? 'bᵀ' : 'b'}, ${product.operands} → ${product.result}`;
  return {
    type: 'table' as const,
    title: 'Products of a step: the engine and the library alone',
    columns: [
      'first use',
      'calls',
      'rows × columns × depth',
      'kind',
      'threads',
      'GFLOP/s',
      'library',
      'ratio',
    ],
    rows: products.map((product) => [
      product.what,
      product.calls,
      `${product.rows} × ${product.columns} × ${product.depth}`,
      side(product),
      product.threads,
      product.gflops_per_second.toFixed(1),
      product.library_gflops_per_second?.toFixed(1) ?? '–',
      product.ratio?.toFixed(2) ?? '–',
    ]),
  };
}
