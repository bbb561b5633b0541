import type { LoraAdapter, Model } from '../../models/index.js';
import type { Objective } from './objective.js';

/** Makes an objective for what is to learn it; `adapter` is null where the model's own weights train. */
export type MakeObjective = (learner: { model: Model; adapter: LoraAdapter | null }) => Objective;

interface ObjectiveEntry {
  load(): Promise<(options: never) => MakeObjective>;
  options: Readonly<Record<string, object>>;
}

/** Objectives by name, of those that need one model and one set of targets. */
export const builtInObjectives: Readonly<Record<string, ObjectiveEntry>> = {
  causal_lm: {
    load: async () => (await import('./causal-lm.js')).causalLm,
    options: {
      router_aux_loss_coef: {
        type: ['number', 'null'],
        minimum: 0,
        description:
          "Weight of a mixture's load-balancing loss; null: the model's own where all of it trains, else 0.",
      },
    },
  },
};
