import { SluiceError } from '../errors.js';
import type { LoraAdapter, Model, ParameterSpec } from '../models/index.js';

/** `full`: all weights; `full_rank`: the routing weights in full rank; `lora`: adapters only. */
export type PeftMode = 'full' | 'full_rank' | 'lora';

/** Routing weights: the quality gates, the MoE gates and whatever is called a router. */
const routingName = /(?:^|\.)quality_gate(?:\.|$)|\.gate\.weight$|(?:^|\.)router(?:\.|$)/;

/** The parameters that learn: of the model's own, or all of the adapter's. */
export function trainableParameters(
  mode: PeftMode,
  model: Model,
  adapter: LoraAdapter | null,
): ParameterSpec[] {
  if (mode === 'lora') return [...(adapter?.parameters.values() ?? [])];
  const all = model.parameters();
  const chosen = mode === 'full' ? all : all.filter(({ name }) => routingName.test(name));
  if (chosen.length === 0) {
    throw new SluiceError(
      'config.nothing_to_train',
      `training.peft_mode=${mode} finds no routing weight in a ${model.modelType} model`,
      {
        hint: 'full_rank trains quality gates and MoE gates: use a mixture of experts, or training.peft_mode=lora',
      },
    );
  }
  return chosen;
}
