import type { MakeObjective } from './built-in.js';
import { languageModel } from './language-model.js';

/** Next-token cross-entropy. With adapters the router is frozen, so its balance is nothing to learn. */
export function causalLm({
  router_aux_loss_coef = null,
}: {
  router_aux_loss_coef?: number | null;
}): MakeObjective {
  return ({ model, adapter }) => {
    const own = adapter === null ? Number(model.config.router_aux_loss_coef ?? 0) : 0;
    return languageModel({ auxLossWeight: router_aux_loss_coef ?? own });
  };
}
