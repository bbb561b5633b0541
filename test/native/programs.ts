import { loadAddon, type NativeSession } from '../../src/engine/addon.js';

/** A session straight on the addon, without the engine room's checks in front. */
export function openSession(threads = 2): NativeSession {
  return new (loadAddon().Session)({ device: 'cpu', threads });
}

/** The text of a program with the given lines for values, outputs and ops. */
export function programText(arena: number, ...lines: string[]): string {
  return ['sluice-program 1', 'threads 2', `arena ${arena}`, ...lines, ''].join('\n');
}

/** y = x wᵀ `times` times over: a program that takes about as long as one is told. */
export function longProgram(size: number, times: number): string {
  const bytes = Math.ceil((4 * size * size) / 64) * 64;
  const lines = [`value 0 input "x" f32 [${size},${size}]`];
  for (let i = 1; i <= times; i++) lines.push(`value ${i} temp @${(i % 2) * bytes} f32 [${size},${size}]`);
  lines.push(`output "y" ${times}`);
  for (let i = 1; i <= times; i++) {
    lines.push(`op matmul (${i - 1},0,_) -> (${i}) {trans_a=0 trans_b=1} "step.${i}"`);
  }
  return programText(2 * bytes, ...lines);
}

/** y = w[ids] of a state w [3, 2] and two ids. */
export const lookupProgram = programText(
  64,
  'value 0 state "w" f32 [3,2]',
  'value 1 input "ids" i32 [2]',
  'value 2 temp @0 f32 [2,2]',
  'output "y" 2',
  'op embedding (0,1) -> (2) {} "model.embed_tokens"',
);

export function floats(count: number, f: (i: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.fround(f(i)));
}
