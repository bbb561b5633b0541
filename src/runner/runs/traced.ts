import type { RunRecord } from '../run-record.js';
import type { Part } from './parts.js';

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
  /**
   * The output of that run that it is, or lies in, or a checkpoint (`checkpoints/step_<n>`); empty where it is the run's own
   * folder, null where it is none.
   */
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
  status: string;
  startedAt: string;
  command: string;
  seed: number | null;
  /** null of a sweep, whose jobs have one each. */
  configSha256: string | null;
  versions: RunRecord['versions'];
  /** Null where the run stands elsewhere in the tree already. */
  inputs: TracedArtifact[] | null;
  /** The checkpoint of the run that it is the continuation of. What it made came of the same data: no input of its own. */
  resumedFrom: TracedArtifact | null;
  /** Of a pipeline its steps, of a sweep its jobs. */
  parts: TracedPart[];
}

export interface TracedPart extends Pick<Part, 'name' | 'status'> {
  /** null of what has not run, or was deleted. */
  run: TracedRun | null;
  note: string | null;
}

export const nothingKnown = (name: string | null, path: string): TracedArtifact => ({
  name,
  path,
  sha256: null,
  state: 'unchecked',
  madeBy: null,
  output: null,
  alsoMadeBy: [],
  note: null,
});
