import type { Batch } from '../../data/index.js';

/** A step that was taken. */
export interface StepTaken {
  /** Counted from 1. */
  step: number;
  batch: Batch;
  /** Loss, gradient norm and what the objective logs, of this step alone. */
  values: Readonly<Record<string, number>>;
  /** Folder of the newest checkpoint; null before there is one. */
  lastCheckpoint: string | null;
}

/**
 * Looks on while a run trains: adds figures, warns, or ends it. What it knows is plain JSON and part of every checkpoint, so a
 * resumed run is watched as if it had never stopped.
 */
export interface Watch {
  readonly name: string;
  /** Throws to fail the run; the weights are then those after the step. */
  afterStep?(taken: StepTaken): void;
  /** Figures for the step's line in the log, by their full names. */
  figures?(): Record<string, number>;
  /** Sees the figures that were logged at a step, those of an evaluation among them. A text ends the run well, and says why. */
  afterLog?(step: number, figures: Readonly<Record<string, number>>): string | null;
  /** When the run has ended well. */
  finish?(): void;
  state(): unknown;
  restore(state: unknown): void;
}

/** What a watch may tell. */
export interface WatchHost {
  log(level: 'info' | 'warning', text: string): void;
  addFact(key: string, value: unknown): void;
}
