import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { SluiceError } from '../../errors.js';
import { type Artifact, fingerprint } from '../artifact.js';
import type { History } from '../history.js';
import { type RunRecord, readRunRecord } from '../run-record.js';
import { type Made, Producers } from './producers.js';

/** How the bytes at a path stand to the hash that a run recorded of them. */
export type State = 'same' | 'changed' | 'missing' | 'unchecked';

/** A file or folder, and where it came from. */
export interface TracedArtifact {
  /** What the run that read it calls it; null of what was asked for. */
  name: string | null;
  /** Absolute. */
  path: string;
  /** As recorded by who read or made it; null where nobody did. */
  sha256: string | null;
  /** Of the bytes there now. */
  state: State;
  madeBy: TracedRun | null;
  /** The output of that run that it is, or lies in; empty where it is the run's own folder, null where it is no output. */
  output: string | null;
  /** Ids of other runs that made the same bytes. */
  alsoMadeBy: string[];
  /** What is to be said of the link: lost, or not what it was. */
  note: string | null;
}

export interface TracedRun {
  id: string;
  /** Absolute. */
  folder: string;
  stage: string;
  status: RunRecord['status'];
  startedAt: string;
  command: string;
  seed: number | null;
  configSha256: string;
  versions: RunRecord['versions'];
  /** Null where the run stands elsewhere in the tree already. */
  inputs: TracedArtifact[] | null;
}

/**
 * Which runs and inputs made a file or folder, back to what no run made. It may be an output, lie in one, be a copy of one
 * anywhere (known by its hash), or be a run folder, whose inputs are then traced. Every hash on the way is compared with the
 * bytes of now, unless `check` is off. Throws SluiceError `usage.trace` where there is nothing at `path`.
 */
export async function trace(path: string, history: History, check = true): Promise<TracedArtifact> {
  if (!existsSync(path)) {
    throw new SluiceError('usage.trace', 'there is nothing to trace', {
      where: path,
      hint: './run runs trace FILE takes a file, a folder, or a run folder',
    });
  }
  return new Tracer(history, check).start(path);
}

class Tracer {
  private readonly history: History;
  private readonly check: boolean;
  private readonly producers: Producers;
  private readonly seen = new Set<string>();
  private readonly prints = new Map<string, ReturnType<typeof fingerprint>>();

  constructor(history: History, check: boolean) {
    this.history = history;
    this.check = check;
    this.producers = new Producers(history);
  }

  async start(path: string): Promise<TracedArtifact> {
    if (existsSync(join(path, 'run.json'))) {
      const run = await this.run(path, readRunRecord(path));
      return { ...nothingKnown(null, path), madeBy: run, output: '' };
    }
    const place = this.producers.at(path);
    if (place !== undefined) return this.linked(null, path, place.sha256, place);
    const { sha256 } = await this.print(path);
    const made = this.producers.ofHash(sha256);
    if (made.length === 0)
      return { ...nothingKnown(null, path), sha256, note: 'no run of this project made it' };
    const traced = await this.linked(null, path, sha256, made[0]!);
    return { ...traced, note: `a copy of ${this.shown(made[0]!.path)}` };
  }

  private async run(folder: string, record: RunRecord): Promise<TracedRun> {
    const { id, stage, status, startedAt, command, seed, configSha256, versions } = record;
    const known = { id, folder, stage, status, startedAt, command, seed, configSha256, versions };
    if (this.seen.has(folder)) return { ...known, inputs: null };
    this.seen.add(folder);
    const inputs: TracedArtifact[] = [];
    for (const input of record.inputs) inputs.push(await this.input(input, folder));
    return { ...known, inputs };
  }

  private async input({ name, path: stored, sha256 }: Artifact, folder: string): Promise<TracedArtifact> {
    const path = resolve(folder, stored);
    const place = this.producers.at(path);
    if (place !== undefined) {
      const traced = await this.linked(name, path, sha256, place);
      if (place.sha256 === sha256 || place.sha256 === null) return traced;
      return {
        ...traced,
        note: `read as something else than ${place.record.id} had made: it was changed in between`,
      };
    }
    const [made] = this.producers.ofHash(sha256);
    if (made !== undefined) {
      const traced = await this.linked(name, path, sha256, made);
      return { ...traced, note: `the same bytes as ${this.shown(made.path)}` };
    }
    const state = await this.state(path, sha256);
    const lost = this.isOfRuns(path) ? 'lost: the run that made it is no longer there' : null;
    return { ...nothingKnown(name, path), sha256, state, note: lost };
  }

  private async linked(
    name: string | null,
    path: string,
    sha256: string | null,
    made: Made,
  ): Promise<TracedArtifact> {
    const others = sha256 === null ? [] : this.producers.ofHash(sha256);
    return {
      name,
      path,
      sha256,
      state: await this.state(path, sha256),
      madeBy: await this.run(made.folder, made.record),
      output: made.output,
      alsoMadeBy: others.map(({ record }) => record.id).filter((id) => id !== made.record.id),
      note: made.output === null ? 'in its folder, but none of its outputs: no hash was recorded' : null,
    };
  }

  private async state(path: string, sha256: string | null): Promise<State> {
    if (!existsSync(path)) return 'missing';
    if (!this.check || sha256 === null) return 'unchecked';
    return (await this.print(path)).sha256 === sha256 ? 'same' : 'changed';
  }

  private print(path: string): ReturnType<typeof fingerprint> {
    const known = this.prints.get(path) ?? fingerprint(path);
    this.prints.set(path, known);
    return known;
  }

  private isOfRuns(path: string): boolean {
    return !relative(this.history.outputs, path).startsWith('..');
  }

  private shown(path: string): string {
    return this.isOfRuns(path) ? join('outputs', relative(this.history.outputs, path)) : path;
  }
}

const nothingKnown = (name: string | null, path: string): TracedArtifact => ({
  name,
  path,
  sha256: null,
  state: 'unchecked',
  madeBy: null,
  output: null,
  alsoMadeBy: [],
  note: null,
});
