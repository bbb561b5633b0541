import { typeBytes } from './cost.js';
import type { TensorType } from './op-definition.js';
import type { ProgramBody, ProgramOp } from './program.js';

/** One intermediate that is held while a program needs most memory. */
export interface Holder {
  readonly bytes: number;
  readonly type: TensorType;
  /** The op that made it. */
  readonly op: ProgramOp;
}

/** The moment at which the ops of a program need most of the arena. */
export interface Peak {
  /** What is held then; the arena is this large or, for gaps, a little larger. */
  readonly bytes: number;
  /** Place of the op in the program. */
  readonly index: number;
  /** The op's own scratch. */
  readonly scratch: number;
  readonly holders: readonly Holder[];
}

/** Follows a program through its arena and finds where it needs most; null for one without ops. */
export function peakOf(program: ProgramBody): Peak | null {
  const held = lifetimes(program);
  let peak = { bytes: -1, index: -1 };
  heldAt(program, held).forEach((bytes, index) => {
    if (bytes > peak.bytes) peak = { bytes, index };
  });
  if (peak.index < 0) return null;
  const holders = held
    .filter(({ first, last }) => first <= peak.index && peak.index <= last)
    .map(({ bytes, type, made }) => ({ bytes, type, op: program.ops[made]! }))
    .sort((a, b) => b.bytes - a.bytes);
  return { ...peak, scratch: program.ops[peak.index]!.scratch?.bytes ?? 0, holders };
}

/** What is held while each op runs, in program order: bytes [ops], the op's own scratch included. */
export function heldBytes(program: ProgramBody): number[] {
  return heldAt(program, lifetimes(program));
}

function heldAt({ ops }: ProgramBody, held: readonly Lifetime[]): number[] {
  const change = new Array<number>(ops.length + 1).fill(0);
  for (const { bytes, first, last } of held) {
    change[first]! += bytes;
    change[Math.min(last, ops.length - 1) + 1]! -= bytes;
  }
  let alive = 0;
  return ops.map(({ scratch }, index) => {
    alive += change[index]!;
    return alive + (scratch?.bytes ?? 0);
  });
}

/** Bytes from op `first` to op `last`, as the last op that wrote them left them: values written in place are one. */
interface Lifetime {
  readonly bytes: number;
  readonly type: TensorType;
  readonly made: number;
  readonly first: number;
  last: number;
}

function lifetimes({ values, ops, outputs }: ProgramBody): Lifetime[] {
  const rootOf = (id: number): number => {
    const value = values[id]!;
    return value.kind === 'alias' ? rootOf(value.base) : id;
  };
  const open = new Map<number, Lifetime>();
  const all: Lifetime[] = [];
  ops.forEach(({ inputs, outputs: made }, index) => {
    const read = inputs.flatMap((id) => (id === null ? [] : [rootOf(id)]));
    const before = read.flatMap((root) => open.get(root) ?? []);
    for (const lifetime of before) lifetime.last = index;
    for (const id of made) {
      const value = id === null ? null : values[id]!;
      if (value?.kind !== 'temp') continue;
      const inPlace = read.some((root) => {
        const input = values[root]!;
        return input.kind === 'temp' && input.offset === value.offset;
      });
      const first = inPlace ? index + 1 : index;
      const lifetime = { bytes: typeBytes(value), type: value, made: index, first, last: index };
      open.set(id!, lifetime);
      all.push(lifetime);
    }
  });
  for (const { value } of outputs) {
    const lifetime = open.get(rootOf(value));
    if (lifetime) lifetime.last = ops.length;
  }
  return all.filter(({ first, last }) => first <= last);
}
