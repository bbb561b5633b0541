/**
 * Code points whose character matches `pattern`, as flat inclusive ranges `[first, last, first, last, …]`.
 * Surrogates never match. The tables are those of the JavaScript engine.
 */
export function codePointRanges(pattern: RegExp): Uint32Array {
  const ranges: number[] = [];
  let open = -1;
  for (let point = 0; point <= 0x110000; point++) {
    const matches = isScalar(point) && pattern.test(String.fromCodePoint(point));
    if (matches && open < 0) open = point;
    if (!matches && open >= 0) {
      ranges.push(open, point - 1);
      open = -1;
    }
  }
  return Uint32Array.from(ranges);
}

function isScalar(point: number): boolean {
  return point < 0xd800 || (point > 0xdfff && point < 0x110000);
}
