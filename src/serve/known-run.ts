import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Figure, headline } from '../runner/headline.js';
import { type Progress, readProgress } from '../runner/progress-file.js';
import { type RunRecord, readRunRecord } from '../runner/run-record.js';
import { type ShownStatus, shownStatus } from '../runner/runs/shown-status.js';
import { MetricsTail } from './metrics-tail.js';
import { Sparkline } from './sparkline.js';

/** What the little curve of a run shows: the first of these that it logs, else what it logs first. */
const DRAWN = ['train/loss', 'validation/loss'];

/** Of a long file so many lines make the little curve; what a list shows beside it stands in run.json when the run is over. */
const POINTS = 80;

/** One run folder, read as far as it changed. `version` rises with every change that a list would show. */
export class KnownRun {
  readonly directory: string;
  record: RunRecord | null = null;
  progress: Progress | null = null;
  /** `key=value` of the command line, as `.hydra/overrides.yaml` has them. */
  overrides: string[] = [];
  version = 0;
  private stamp = '';
  private lines = 0;
  private shown: ShownStatus | null = null;
  private readonly tail: MetricsTail;
  private readonly curves = new Map<string, Sparkline>();
  private readonly last: Record<string, number> = {};

  constructor(directory: string) {
    this.directory = directory;
    this.tail = new MetricsTail(join(directory, 'metrics.jsonl'));
  }

  get status(): ShownStatus {
    return this.record === null ? 'running' : shownStatus(this.record);
  }

  /** Whether it may still change. */
  get isOpen(): boolean {
    return this.record === null || this.record.status === 'running';
  }

  get figure(): Figure | null {
    return this.record && headline({ ...this.record, metrics: { ...this.last, ...this.record.metrics } });
  }

  /** The curve for a cell, and of what it is. */
  get curve(): { name: string; path: string } | null {
    const name = [...DRAWN, ...this.curves.keys()].find((one) => this.curves.has(one));
    return name === undefined ? null : { name, path: this.curves.get(name)!.path };
  }

  /** Looks at run.json, and for a run in progress at how far it is. */
  async refresh(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(join(this.directory, 'run.json')).catch(() => noFile);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (stamp !== this.stamp) {
      const first = this.record === null;
      this.record = readable(this.directory) ?? this.record;
      if (this.record !== null) this.stamp = stamp; // an empty run.json is about to be written
      if (first) this.overrides = await readOverrides(this.directory);
      this.version += 1;
    }
    if (this.isOpen) {
      const progress = await readProgress(this.directory);
      if (progress?.step !== this.progress?.step || progress?.phase !== this.progress?.phase)
        this.version += 1;
      this.progress = progress;
    }
    if (this.status !== this.shown) this.version += 1;
    this.shown = this.status;
  }

  /** Reads the metrics that came since the last call, also for the one who listens. */
  async refreshMetrics(): Promise<void> {
    await this.tail.read(({ values }) => {
      this.lines += 1;
      for (const [name, value] of Object.entries(values)) {
        if (value === null) continue;
        this.last[name] = value;
        if (!DRAWN.includes(name) && this.curves.size > 0 && !this.curves.has(name)) continue;
        const curve = this.curves.get(name) ?? new Sparkline();
        curve.add(value);
        this.curves.set(name, curve);
      }
    }, POINTS);
    if (this.lines > 0) this.version += 1;
    this.lines = 0;
  }
}

const noFile = { mtimeMs: 0, size: 0, ino: 0 };

function readable(directory: string): RunRecord | null {
  try {
    return readRunRecord(directory);
  } catch {
    return null;
  }
}

async function readOverrides(directory: string): Promise<string[]> {
  const text = await readFile(join(directory, '.hydra', 'overrides.yaml'), 'utf8').catch(() => '');
  return [...text.matchAll(/^- (.*)$/gm)].map(([, item]) => item!);
}
