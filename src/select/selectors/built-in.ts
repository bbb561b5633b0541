import type { Selector } from './selector.js';

interface SelectorEntry {
  load(): Promise<(options: never) => Selector>;
  options: Readonly<Record<string, object>>;
  required?: readonly string[];
}

const percentage = {
  type: 'number',
  description: 'Share of the rows to keep.',
  exclusiveMinimum: 0,
  maximum: 1,
};

/** Selectors by name. Their code is loaded when one is made. */
export const builtInSelectors: Readonly<Record<string, SelectorEntry>> = {
  top_percentage: {
    load: async () => (await import('./top-percentage.js')).topPercentage,
    options: { percentage },
    required: ['percentage'],
  },
  top_per_dataset: {
    load: async () => (await import('./top-per-dataset.js')).topPerDataset,
    options: { percentage },
    required: ['percentage'],
  },
  threshold: {
    load: async () => (await import('./threshold.js')).threshold,
    options: { minimum: { type: 'number', description: 'Lowest score that is kept; scores are 0 to 1.' } },
    required: ['minimum'],
  },
  random: {
    load: async () => (await import('./random.js')).random,
    options: {
      percentage,
      seed: { type: 'integer', minimum: 0, description: "Of the draw; the run's unless given." },
    },
    required: ['percentage'],
  },
};
