export type Edit = 'keep' | 'substitute' | 'delete' | 'insert';

export interface Edits {
  count: number;
  /** Turns the hypothesis into the reference. */
  trace: Edit[];
}

interface Row {
  counts: number[];
  edits: Edit[];
  /** Rows after this one, by the hypothesis' next word. */
  next: Map<string, Row>;
}

const beam = 25;
const mostRows = 10000;

/**
 * Word edit distance to one reference, in a band around the diagonal, with Tercom's order of preference among equals
 * (keep or substitute, delete, insert). Rows are kept by the words that lead to them: hypotheses of one length that
 * begin alike, as shifted ones do, share them.
 */
export class EditDistance {
  private readonly reference: readonly string[];
  private readonly first: Row;
  private rows = 0;

  constructor(reference: readonly string[]) {
    this.reference = reference;
    this.first = emptyRow(reference.length);
    this.first.counts = Array.from({ length: reference.length + 1 }, (_, j) => j);
    this.first.edits.fill('insert');
  }

  /** All hypotheses given to one instance must have the same length. */
  to(hypothesis: readonly string[]): Edits {
    const rows = [this.first];
    hypothesis.forEach((word, i) => {
      const before = rows[i]!;
      let row = before.next.get(word);
      if (row === undefined) {
        row = this.rowAfter(before, word, i + 1, hypothesis.length);
        if (this.rows < mostRows) {
          before.next.set(word, row);
          this.rows += 1;
        }
      }
      rows.push(row);
    });
    return { count: rows.at(-1)!.counts.at(-1)!, trace: traceBack(rows, this.reference.length) };
  }

  private rowAfter(before: Row, word: string, i: number, length: number): Row {
    const columns = this.reference.length + 1;
    const ratio = this.reference.length / length;
    const width = beam < ratio / 2 ? Math.ceil(ratio / 2 + beam) : beam;
    const diagonal = Math.floor(i * ratio);
    const end = i === length ? columns : Math.min(columns, diagonal + width);
    const row = emptyRow(this.reference.length);
    for (let j = Math.max(0, diagonal - width); j < end; j++) {
      const set = (count: number, edit: Edit) => {
        if (count >= row.counts[j]!) return;
        row.counts[j] = count;
        row.edits[j] = edit;
      };
      if (j > 0) {
        const same = word === this.reference[j - 1];
        set(before.counts[j - 1]! + (same ? 0 : 1), same ? 'keep' : 'substitute');
      }
      set(before.counts[j]! + 1, 'delete');
      if (j > 0) set(row.counts[j - 1]! + 1, 'insert');
    }
    return row;
  }
}

function emptyRow(length: number): Row {
  return {
    counts: new Array<number>(length + 1).fill(Infinity),
    edits: new Array<Edit>(length + 1).fill('insert'),
    next: new Map(),
  };
}

function traceBack(rows: readonly Row[], length: number): Edit[] {
  const trace: Edit[] = [];
  for (let i = rows.length - 1, j = length; i > 0 || j > 0; ) {
    const edit = rows[i]!.edits[j]!;
    trace.push(edit);
    if (edit !== 'insert') i -= 1;
    if (edit !== 'delete') j -= 1;
  }
  return trace.reverse();
}
