import { open } from 'node:fs/promises';

/** Bytes read at a time. */
const CHUNK = 1 << 18;

/** A line of metrics.jsonl: a step and what was measured there. */
export interface MetricLine {
  step: number;
  values: Record<string, number | null>;
}

/** Follows a `metrics.jsonl` that grows: each `read` gives the whole lines that came since the last one. */
export class MetricsTail {
  private readonly path: string;
  private offset: number;
  private rest: Buffer = Buffer.alloc(0);

  /** `from` bytes of the file are known already. */
  constructor(path: string, from = 0) {
    this.path = path;
    this.offset = from;
  }

  /**
   * Calls `each` for every new line; a file that became shorter is read anew from its start. Lines that hold none are passed
   * over. Where a curve of little more than `points` lines is enough, the others between them are not parsed.
   */
  async read(each: (line: MetricLine) => void, points = Number.POSITIVE_INFINITY): Promise<void> {
    const file = await open(this.path).catch(() => null);
    if (file === null) return;
    try {
      const { size } = await file.stat();
      if (size < this.offset) [this.offset, this.rest] = [0, Buffer.alloc(0)];
      const most = Math.ceil((points * CHUNK) / Math.max(CHUNK, size - this.offset));
      for (;;) {
        const length = Math.min(CHUNK, size - this.offset);
        if (length <= 0) return; // what was written since is for the next read
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, this.offset);
        if (bytesRead === 0) return;
        this.offset += bytesRead;
        this.take(Buffer.concat([this.rest, buffer.subarray(0, bytesRead)]), each, most);
      }
    } finally {
      await file.close();
    }
  }

  /** Of a chunk's lines `most`, evenly chosen. */
  private take(bytes: Buffer, each: (line: MetricLine) => void, most: number): void {
    const end = bytes.lastIndexOf(10) + 1;
    this.rest = bytes.subarray(end);
    const texts = bytes.toString('utf8', 0, end).split('\n');
    const stride = Math.max(1, Math.floor(texts.length / most));
    for (let at = 0; at < texts.length; at += stride) {
      const line = texts[at] === '' ? null : metricLine(texts[at]!);
      if (line !== null) each(line);
    }
  }
}

function metricLine(text: string): MetricLine | null {
  try {
    const { step, time: _, ...logged } = JSON.parse(text) as Record<string, unknown>;
    if (typeof step !== 'number') return null;
    const values = Object.entries(logged).map(([name, value]) => [
      name,
      Number.isFinite(value) ? value : null,
    ]);
    return { step, values: Object.fromEntries(values) as MetricLine['values'] };
  } catch {
    return null;
  }
}
