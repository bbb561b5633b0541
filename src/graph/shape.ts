/** Dimensions of a dense row-major tensor; [] is a scalar of one element. */
export type Shape = readonly number[];

export function elementCount(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** `[8,512]`, as programs and messages write it. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(',')}]`;
}

/** NumPy's broadcast of two shapes, or null where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let fromEnd = rank; fromEnd >= 1; fromEnd--) {
    const left = a[a.length - fromEnd] ?? 1;
    const right = b[b.length - fromEnd] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return null;
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** Fills the one -1 of `wanted` so that the element count stays `count`; null where no whole number fits. */
export function resolveReshape(count: number, wanted: Shape): Shape | null {
  const open = wanted.filter((size) => size === -1).length;
  if (open > 1) return null;
  if (open === 0) return elementCount(wanted) === count ? wanted : null;
  const known = elementCount(wanted.filter((size) => size !== -1));
  if (known === 0 || count % known !== 0) return null;
  return wanted.map((size) => (size === -1 ? count / known : size));
}

/** 0..rank-1 for an axis that may count from the end, or null where there is no such axis. */
export function resolveAxis(axis: number, rank: number): number | null {
  const resolved = axis < 0 ? axis + rank : axis;
  return Number.isInteger(resolved) && resolved >= 0 && resolved < rank ? resolved : null;
}
