// What Python's str.split() takes for white space; JavaScript's \s lacks some of it and has U+FEFF besides.
const space = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const spaces = new RegExp(`[${space}]+`, 'u');
const spacesAtEnd = new RegExp(`[${space}]+$`, 'u');

/** The words of a text, as the reference splits it. */
export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== '');
}

/** A text without white space at its end. */
export function trimEnd(text: string): string {
  return text.replace(spacesAtEnd, '');
}

/** How often each item occurs. */
function countItems(items: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

/** How often each run of `order` neighbouring items occurs, the items joined by `separator`. */
export function countNgrams(items: readonly string[], order: number, separator: string): Map<string, number> {
  const count = Math.max(0, items.length - order + 1);
  return countItems(Array.from({ length: count }, (_, i) => items.slice(i, i + order).join(separator)));
}

/** Sum over the items of `a` of how often both have it. */
export function overlap(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const [item, count] of a) total += Math.min(count, b.get(item) ?? 0);
  return total;
}
