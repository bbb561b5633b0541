import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Html } from '../report/index.js';
import type { EventStream } from './event-stream.js';
import { groupRows } from './group-rows.js';
import type { KnownRun } from './known-run.js';
import { type MetricLine, MetricsTail } from './metrics-tail.js';
import type { Group, RunList } from './run-list.js';

const EVERY_MS = 1000;
/** So many looks without an event, and a sign of life is sent. */
const QUIET = 15;

/** Looks at the runs once a second as long as someone listens, and tells each listener what changed for him. */
export class Follower {
  private readonly list: RunList;
  private readonly listeners = new Set<Listener>();
  private readonly rows = new Map<string, { version: string; html: Html }>();
  private timer: NodeJS.Timeout | undefined;
  private turn = 0;

  constructor(list: RunList) {
    this.list = list;
  }

  /** The rows of a group, made anew where something of it changed. */
  readonly rowsOf = (group: Group): Html => {
    const known = this.rows.get(group.path);
    if (known?.version === group.version) return known.html;
    const html = groupRows(group);
    this.rows.set(group.path, { version: group.version, html });
    return html;
  };

  followList(stream: EventStream): void {
    this.add(new ListListener(stream, this.list.groups(), this.rowsOf));
  }

  /**
   * `path` is the run's, as the list has it; of its metrics file `from` bytes are known, and it is shown as it was in
   * `state` (see stateOf; null: as it is now).
   */
  followRun(stream: EventStream, path: string, folder: string, from: number, state: string | null): void {
    const tail = new MetricsTail(join(folder, 'metrics.jsonl'), from);
    this.add(new RunListener(stream, path, tail, state));
  }

  /** What a report of this path shows besides metrics, as the list knows it, in few letters. */
  stateOf(path: string): string {
    return stateOf(path, this.list.groups()).state;
  }

  close(): void {
    clearTimeout(this.timer);
    for (const { stream } of this.listeners) stream.close();
    this.listeners.clear();
  }

  private add(listener: Listener): void {
    this.listeners.add(listener);
    if (this.timer === undefined) this.timer = setTimeout(() => void this.look(), 0);
  }

  private async look(): Promise<void> {
    await this.list.refresh().catch(() => {}); // a folder that went away under the hands: the next look is right
    const groups = this.list.groups();
    this.turn += 1;
    for (const listener of this.listeners) {
      if (!listener.stream.isOpen) {
        this.listeners.delete(listener);
        continue;
      }
      if (this.turn % QUIET === 0) listener.stream.beat();
      await listener.tell(groups);
    }
    this.timer = this.listeners.size > 0 ? setTimeout(() => void this.look(), EVERY_MS) : undefined;
  }
}

interface Listener {
  stream: EventStream;
  tell(groups: readonly Group[]): void | Promise<void>;
}

/** Of the list: the groups that are new, changed or gone. */
class ListListener implements Listener {
  readonly stream: EventStream;
  private readonly known: Map<string, string>;
  private readonly rowsOf: (group: Group) => Html;

  constructor(stream: EventStream, groups: readonly Group[], rowsOf: (group: Group) => Html) {
    this.stream = stream;
    this.known = new Map(groups.map(({ path, version }) => [path, version]));
    this.rowsOf = rowsOf;
  }

  tell(groups: readonly Group[]): void {
    const changed: { path: string; html: string | null }[] = [];
    // Oldest first: the page puts each new one on top.
    for (const group of [...groups].reverse()) {
      if (this.known.get(group.path) === group.version) continue;
      this.known.set(group.path, group.version);
      changed.push({ path: group.path, html: this.rowsOf(group).text });
    }
    const there = new Set(groups.map(({ path }) => path));
    for (const path of this.known.keys()) {
      if (there.has(path)) continue;
      this.known.delete(path);
      changed.push({ path, html: null });
    }
    if (changed.length > 0) this.stream.send('groups', changed);
  }
}

/** Of one report: new metrics and how far the run is; of a pipeline or a sweep, that something changed, or a part went on. */
class RunListener implements Listener {
  readonly stream: EventStream;
  private readonly path: string;
  private readonly tail: MetricsTail;
  private state: string | null;
  private growth: string | null = null;
  private progress = '';

  constructor(stream: EventStream, path: string, tail: MetricsTail, state: string | null) {
    this.stream = stream;
    this.path = path;
    this.tail = tail;
    this.state = state;
  }

  async tell(groups: readonly Group[]): Promise<void> {
    const { run, state, growth } = stateOf(this.path, groups);
    const lines: MetricLine[] = [];
    await this.tail.read((line) => void lines.push(line));
    if (lines.length > 0) this.stream.send('metrics', lines);
    // What a killed run last said of its progress is no progress.
    const now = run?.status === 'running' ? run.progress : null;
    const progress = JSON.stringify(now);
    if (progress !== this.progress && now !== null) this.stream.send('progress', now);
    this.progress = progress;
    if (this.state !== null && state !== this.state) this.stream.send('changed', null);
    else if (this.growth !== null && growth !== this.growth) this.stream.send('grew', null);
    this.state = state;
    this.growth = growth;
  }
}

/**
 * Of a run alone its metrics are no reason to load the page anew, its end is. `growth` is how far those of its jobs or steps
 * are that run.
 */
function stateOf(
  path: string,
  groups: readonly Group[],
): { run: KnownRun | null; state: string; growth: string } {
  const group = groups.find((one) => one.path === path);
  const member = group ?? groups.flatMap(({ members }) => members).find((one) => one.path === path);
  const run = member?.run ?? null;
  const members = group?.members.map((one) => `${one.path} ${one.run.status}`) ?? [];
  const parts = [run?.status, group?.sweep?.version, JSON.stringify(run?.record?.steps ?? ''), ...members];
  const state = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
  const running = group?.members.filter((one) => one.run.status === 'running') ?? [];
  return { run, state, growth: running.map((one) => `${one.path} ${one.run.version}`).join('\n') };
}
