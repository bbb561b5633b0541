import type { Mismatch, Vector } from '../conformance.js';

export function checkSweep(_vector: Vector, _folder: string): Mismatch | undefined {
  return { expected: 'a sweep', got: 'none' };
}
