/** One compared quantity: the largest error seen against its tolerance. */
export interface Check {
  /** `models/olmoe full.logits` */
  readonly name: string;
  readonly error: number;
  readonly tolerance: number;
  /** Why it failed where that is no number: an exception, a family that does not exist. */
  readonly note?: string;
}

export function passed({ error, tolerance, note }: Check): boolean {
  return note === undefined && error <= tolerance;
}

/** Collects the checks of one fixture folder. */
export class Checks {
  readonly list: Check[] = [];
  /** What is recorded and compared with nothing. */
  readonly notes: string[] = [];
  readonly fixture: string;

  constructor(fixture: string) {
    this.fixture = fixture;
  }

  add(quantity: string, error: number, tolerance: number): void {
    // NaN compares false with everything and so counts as failed
    this.list.push({ name: `${this.fixture} ${quantity}`, error, tolerance });
  }

  /** For things that must be equal. */
  same(quantity: string, got: ArrayLike<number>, expected: ArrayLike<number>): void {
    let different = Math.abs(got.length - expected.length);
    for (let i = 0; i < Math.min(got.length, expected.length); i++) if (got[i] !== expected[i]) different++;
    this.add(quantity, different, 0);
  }

  /** Says which tensors of a file were not compared. */
  unread(tensors: { readonly unread: readonly string[] }): void {
    if (tensors.unread.length > 0)
      this.notes.push(`${this.fixture}: nothing here reads ${tensors.unread.join(', ')}`);
  }

  failed(quantity: string, note: string): void {
    this.list.push({ name: `${this.fixture} ${quantity}`, error: Number.NaN, tolerance: 0, note });
  }
}

/** Largest |a-b|; where `keep` is given only at indices for which it is true. */
export function maxError(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  keep?: (index: number) => boolean,
): number {
  if (a.length !== b.length) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (keep && !keep(i)) continue;
    const error = Math.abs(a[i]! - b[i]!);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

/** max|a-b| / max|b| */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return maxError(a, b) / largest(b);
}

export function largest(values: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) found = Math.max(found, Math.abs(values[i]!));
  return found;
}
