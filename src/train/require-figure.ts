import { SluiceError } from '../errors.js';

/**
 * Throws `config.metric` where `key` of the config waits for a figure that never comes: one that is not among those that were
 * logged, though its kind was: figures of an evaluation (`validation/…`), or of training.
 */
export function requireFigure(key: string, metric: string, figures: Readonly<Record<string, number>>): void {
  if (metric in figures) return;
  const names = Object.keys(figures);
  const isOfEvaluation = (name: string) => name.startsWith('validation/');
  if (!names.some((name) => isOfEvaluation(name) === isOfEvaluation(metric))) return;
  throw new SluiceError('config.metric', `${key}=${metric} is no figure of this run`, {
    hint: `it has ${names.sort().join(', ')}`,
  });
}
