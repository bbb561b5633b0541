import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeTextAtomic } from './atomic.js';
import { type TensorToWrite, writeSafetensors } from './safetensors-write.js';

/** A program and what it runs on, as native/runner reads it. Tensors are named `input x`, `state w`, `output y`. */
export interface SavedProgram {
  /** The program's text form. */
  readonly text: string;
  /** All inputs; states that are left out are made up by the runner. */
  readonly given: readonly TensorToWrite[];
  /** Outputs and states after a run, and by how much of the largest number (at least 1) others may differ; 0: the same bits. */
  readonly wanted?: { readonly tensors: readonly TensorToWrite[]; readonly tolerance: number };
}

/** Writes program.txt, given.safetensors and wanted.safetensors. */
export function saveProgram(folder: string, { text, given, wanted }: SavedProgram): void {
  mkdirSync(folder, { recursive: true });
  writeTextAtomic(join(folder, 'program.txt'), text);
  writeSafetensors(join(folder, 'given.safetensors'), given);
  if (wanted === undefined) return;
  const metadata = { tolerance: String(wanted.tolerance) };
  writeSafetensors(join(folder, 'wanted.safetensors'), wanted.tensors, metadata);
}
