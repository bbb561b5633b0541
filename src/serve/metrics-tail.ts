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

  /** Calls `each` for every new line; a file that became shorter is read anew from its start. Lines that hold none are passed over. */
  async read(each: (line: MetricLine) => void): Promise<void> {
    const file = await open(this.path).catch(() => null);
    if (file === null) return;
    try {
      if ((await file.stat()).size < this.offset) [this.offset, this.rest] = [0, Buffer.alloc(0)];
      for (;;) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, this.offset);
        if (bytesRead === 0) return;
        this.offset += bytesRead;
        this.take(Buffer.concat([this.rest, buffer.subarray(0, bytesRead)]), each);
      }
    } finally {
      await file.close();
    }
  }

  private take(bytes: Buffer, each: (line: MetricLine) => void): void {
    const end = bytes.lastIndexOf(10) + 1;
    this.rest = bytes.subarray(end);
    for (const text of bytes.toString('utf8', 0, end).split('\n')) {
      const line = text === '' ? null : metricLine(text);
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
