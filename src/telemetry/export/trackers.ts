import type { OpenSink } from '../sinks/sink.js';
import { type ExportOptions, liveExport } from './live-export.js';
import { type MlflowOptions, MlflowTracker } from './mlflow.js';
import type { Tracker } from './tracker.js';
import { type WandbOptions, WandbTracker } from './wandb.js';

export const mlflowSink = (options: MlflowOptions & ExportOptions): OpenSink =>
  liveExport('mlflow', new MlflowTracker(options), options);

export const wandbSink = (options: WandbOptions & ExportOptions): OpenSink =>
  liveExport('wandb', new WandbTracker(options), options);

/** Of the sinks that send somewhere, by name: how what they missed is sent later, with the options of their config. */
export const trackers: Readonly<Record<string, (options: object) => Tracker>> = {
  mlflow: (options) => new MlflowTracker(options),
  wandb: (options) => new WandbTracker(options),
};
