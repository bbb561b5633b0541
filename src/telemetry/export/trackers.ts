import { MlflowTracker } from './mlflow.js';
import type { Tracker } from './tracker.js';
import { WandbTracker } from './wandb.js';

/** Where metrics can be sent, by the names of their sinks; made with the options of those. */
export const trackers: Readonly<Record<string, (options: object) => Tracker>> = {
  mlflow: (options) => new MlflowTracker(options),
  wandb: (options) => new WandbTracker(options),
};
