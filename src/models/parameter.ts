/** How a parameter starts when nothing is loaded. Normal numbers are a pure function of seed and parameter name. */
export type Init =
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'constant'; readonly value: number };

/** A trainable tensor of a model. `name` is the engine's state name: Hugging Face's, or a stack of experts. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: 'f32';
  readonly init: Init;
  /** The first axis counts experts, each a tensor of its own in files. */
  readonly stacked: boolean;
  /** Kept in files but learnt by no gradient, such as a router's correction bias. */
  readonly buffer: boolean;
  /** Set for the weight of a projection, which may be kept quantised while it is frozen; transposed: stored [in,out]. */
  readonly projection?: { readonly transposed: boolean };
  /** May be kept in bf16 while it is frozen. */
  readonly narrowable?: boolean;
}

export const ones: Init = { kind: 'constant', value: 1 };
export const zeros: Init = { kind: 'constant', value: 0 };
export const normal = (std: number, mean = 0): Init => ({ kind: 'normal', mean, std });

/**
 * The tensors in a Hugging Face folder that make up a parameter: itself, or one per expert
 * (`…experts.gate_proj.weight` [E,I,H] is `…experts.0.gate_proj.weight` [I,H], `…experts.1…`).
 */
export function fileTensors(
  parameter: Pick<ParameterSpec, 'name' | 'shape' | 'stacked'>,
): { name: string; shape: readonly number[] }[] {
  const { name, shape, stacked } = parameter;
  if (!stacked) return [{ name, shape }];
  return Array.from({ length: shape[0]! }, (_, expert) => ({
    name: name.replace('.experts.', `.experts.${expert}.`),
    shape: shape.slice(1),
  }));
}
