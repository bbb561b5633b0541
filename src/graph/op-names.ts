import { type OpKey, opRows } from './op-definition.js';

const plainName = (slot: string) => slot.replace(/[?*!]$/, '');

/** A flat input list by the op list's names; a variadic input becomes an array. */
export function nameInputs<T>(
  op: OpKey,
  flat: readonly (T | null)[],
): Record<string, T | null | readonly T[]> {
  const named: Record<string, T | null | readonly T[]> = {};
  opRows[op].inputs.forEach((slot, index) => {
    named[plainName(slot)] = slot.endsWith('*') ? (flat.slice(index) as T[]) : (flat[index] ?? null);
  });
  return named;
}

/** Named inputs in the order of the op list. */
export function flattenInputs<T>(
  op: OpKey,
  named: Readonly<Record<string, T | null | readonly T[]>>,
): (T | null)[] {
  return opRows[op].inputs.flatMap((slot) => (named[plainName(slot)] ?? null) as T | null | T[]);
}

export function nameOutputs<T>(op: OpKey, flat: readonly (T | null)[]): Record<string, T | null> {
  return Object.fromEntries(opRows[op].outputs.map((slot, index) => [plainName(slot), flat[index] ?? null]));
}

export function flattenOutputs<T>(op: OpKey, named: Readonly<Record<string, T | null>>): (T | null)[] {
  return opRows[op].outputs.map((slot) => named[plainName(slot)] ?? null);
}

/** The name of flat input `index`, and its place within a variadic input. */
export function inputSlot(op: OpKey, index: number): { name: string; element: number } {
  const slots = opRows[op].inputs;
  const at = Math.min(index, slots.length - 1);
  return { name: plainName(slots[at]!), element: index - at };
}

export const outputName = (op: OpKey, index: number): string => plainName(opRows[op].outputs[index]!);

/** The states an op changes: the flat indices of its `x!` inputs. */
export function changedInputs(op: OpKey): number[] {
  return opRows[op].inputs.flatMap((slot, index) => (slot.endsWith('!') ? [index] : []));
}

export function hasTrait(op: OpKey, trait: 'inplace' | 'effect' | 'random'): boolean {
  return opRows[op].traits.includes(trait);
}

export function isOptionalOutput(op: OpKey, index: number): boolean {
  return opRows[op].outputs[index]!.endsWith('?');
}
