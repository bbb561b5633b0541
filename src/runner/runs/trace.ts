import { existsSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { SluiceError } from '../../errors.js';
import { type Artifact, fingerprint } from '../artifact.js';
import type { History } from '../history.js';
import { type RunRecord, readRunRecord } from '../run-record.js';
import { manifestName, readSweepManifest } from '../sweep-manifest.js';
import { jobsOf, type Part, stepsOf } from './parts.js';
import { type Made, Producers } from './producers.js';
import { shownStatus } from './shown-status.js';
import { nothingKnown, type State, type TracedArtifact, type TracedPart, type TracedRun } from './traced.js';

/**
 * Which runs and inputs made a file or folder, back to what no run made. It may be an output, lie in one, be a copy of one
 * anywhere (known by its hash), or be the folder of a run, pipeline or sweep. Every hash on the way is compared with the
 * bytes of now, unless `check` is off. Throws SluiceError `usage.trace` where there is nothing at `path`.
 */
export async function trace(path: string, history: History, check = true): Promise<TracedArtifact> {
  if (!existsSync(path)) {
    throw new SluiceError('usage.trace', 'there is nothing to trace', {
      where: path,
      hint: './run runs trace FILE takes a file, a folder, or the folder of a run, pipeline or sweep',
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
    if (existsSync(join(path, manifestName)))
      return { ...nothingKnown(null, path), madeBy: await this.sweep(path), output: '' };
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
    const { id, stage, startedAt, command, seed, configSha256, versions } = record;
    const status = shownStatus(record);
    const known = { id, folder, stage, status, startedAt, command, seed, configSha256, versions };
    if (this.seen.has(folder)) return { ...known, inputs: null, resumedFrom: null, parts: [] };
    this.seen.add(folder);
    const inputs: TracedArtifact[] = [];
    for (const input of record.inputs) inputs.push(await this.input(input, folder));
    const resumedFrom = await this.resumed(record);
    return { ...known, inputs, resumedFrom, parts: await this.parts(stepsOf(folder, record)) };
  }

  private async sweep(folder: string): Promise<TracedRun> {
    const manifest = readSweepManifest(folder);
    const { stage, status, startedAt, command } = manifest;
    const known = { folder, stage, status, startedAt, command, seed: null, configSha256: null, versions: {} };
    const parts = await this.parts(jobsOf(folder, manifest));
    return { id: this.shown(folder), ...known, inputs: [], resumedFrom: null, parts };
  }

  private async parts(parts: readonly Part[]): Promise<TracedPart[]> {
    const traced: TracedPart[] = [];
    for (const { name, status, folder, reason } of parts) {
      const isThere = folder !== null && existsSync(join(folder, 'run.json'));
      const run = isThere ? await this.run(folder, readRunRecord(folder)) : null;
      const lost = folder !== null && !isThere ? `lost: ${this.shown(folder)} is no longer there` : null;
      traced.push({ name, status, run, note: lost ?? reason });
    }
    return traced;
  }

  // The run says which checkpoint by its place then; its config, by a path that starts from the project wherever that is now.
  private async resumed({ facts, config }: RunRecord): Promise<TracedArtifact | null> {
    const given = config?.resume;
    if (typeof given !== 'string') return null;
    const checkpoint = typeof facts.resumed_from === 'string' ? facts.resumed_from : null;
    const named = resolve(dirname(this.history.outputs), given);
    const inNamed =
      checkpoint === null || isCheckpoint(named) ? named : join(named, 'checkpoints', basename(checkpoint));
    const path = checkpoint !== null && existsSync(checkpoint) ? checkpoint : inNamed;
    const place = this.producers.at(path);
    if (place !== undefined) return this.linked('resumed from', path, place.sha256, place);
    const note = 'lost: the run that it went on from is no longer there';
    return { ...nothingKnown('resumed from', path), state: await this.state(path, null), note };
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

const isCheckpoint = (path: string) => /^step_\d+$/.test(basename(path));
