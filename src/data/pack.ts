/** A run of consecutive tokens of one document, placed in a row. */
export interface Piece {
  row: number;
  document: number;
  /** First token, counted from the document's start. */
  start: number;
  count: number;
}

/**
 * Packs documents (given by their token counts) into rows of `length` tokens, losing none: a longer document is cut into
 * full rows and a rest, and rests are placed best-fit, longest first. Rows are numbered, full ones first; pieces
 * come ordered by row.
 */
export function pack(tokenCounts: readonly number[], length: number): Piece[] {
  const pieces: Piece[] = [];
  const rests: Piece[] = [];
  let rows = 0;
  tokenCounts.forEach((tokens, document) => {
    let start = 0;
    for (; tokens - start >= length; start += length)
      pieces.push({ row: rows++, document, start, count: length });
    if (tokens > start) rests.push({ row: -1, document, start, count: tokens - start });
  });
  rests.sort((a, b) => b.count - a.count || a.document - b.document);
  // rowsBySpace[s]: rows with exactly s tokens of space, latest last.
  const rowsBySpace: number[][] = Array.from({ length: length + 1 }, () => []);
  for (const rest of rests) {
    let space = rest.count;
    while (space <= length && rowsBySpace[space]!.length === 0) space++;
    rest.row = space <= length ? rowsBySpace[space]!.pop()! : rows++;
    rowsBySpace[Math.min(space, length) - rest.count]!.push(rest.row);
  }
  return pieces.concat(rests).sort((a, b) => a.row - b.row || b.count - a.count || a.document - b.document);
}
