import {
  axisTicks,
  curvePath,
  dotsPath,
  frameOf,
  smoothed,
  stepAt,
  stepPosition,
  stepTicks,
  tickText,
  valuePosition,
} from '../charts/curve.js';

/** The geometry of charts/curve.ts as text: the picture in the file and the one redrawn are drawn by the same code. */
export function geometry(): string {
  const functions = [
    ...[smoothed, frameOf, stepPosition, stepAt, valuePosition, curvePath, dotsPath],
    ...[axisTicks, stepTicks, tickText],
  ];
  return functions.map(String).join('\n');
}
