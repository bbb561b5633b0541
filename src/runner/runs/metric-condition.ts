import type { MetricValue } from '../run-record.js';

/** `train/loss<2.5`: what the last value of a metric must be. */
export interface MetricCondition {
  metric: string;
  holds(metrics: Readonly<Record<string, MetricValue>>): boolean;
}

const comparisons: Record<string, (left: number, right: number) => boolean> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

/** Reads a condition; undefined where the text is none. A run that has no such metric does not meet it, nor does NaN. */
export function readCondition(text: string): MetricCondition | undefined {
  const [, metric, operator, number] = /^\s*([^<>=\s]+)\s*(<=?|>=?)\s*(\S+)\s*$/.exec(text) ?? [];
  const bound = Number(number);
  if (metric === undefined || Number.isNaN(bound)) return undefined;
  const compare = comparisons[operator!]!;
  return {
    metric,
    holds: (metrics) => metrics[metric] !== undefined && compare(Number(metrics[metric]), bound),
  };
}
