/**
 * The geometry of a line chart. A page carries these functions as text (see page-script.ts), so the picture in the
 * file and the one redrawn by slider and switch are drawn by the same code. Hence each of them stands alone: they
 * may call one another, and use nothing else of this module or any other.
 */

/** Two axes. Plots are drawn in a box of 1000 x 1000 that is stretched to the size it gets. */
export interface Frame {
  firstStep: number;
  lastStep: number;
  low: number;
  high: number;
  /** Of the values. */
  logarithmic: boolean;
  /** Of the steps; where they begin at 0 or below, the axis shows their distance from the one before the first. */
  logarithmicSteps: boolean;
}

/** Exponential moving average without the pull of a start value; gaps stay gaps. weight 0 changes nothing. */
export function smoothed(values: (number | null)[], weight: number): (number | null)[] {
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + value;
    total = weight * total + 1;
    return sum / total;
  });
}

/** Axes that hold all values, with a little air. A logarithmic axis of values is refused (linear instead) unless all are > 0. */
export function frameOf(
  stepLists: number[][],
  valueLists: (number | null)[][],
  logarithmic: boolean,
  logarithmicSteps: boolean,
): Frame {
  const frame = {
    firstStep: Number.POSITIVE_INFINITY,
    lastStep: Number.NEGATIVE_INFINITY,
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
    logarithmic,
    logarithmicSteps,
  };
  for (const steps of stepLists) {
    for (const step of steps) {
      frame.firstStep = Math.min(frame.firstStep, step);
      frame.lastStep = Math.max(frame.lastStep, step);
    }
  }
  for (const values of valueLists) {
    for (const value of values) {
      if (value === null) continue;
      frame.low = Math.min(frame.low, value);
      frame.high = Math.max(frame.high, value);
    }
  }
  if (frame.firstStep === frame.lastStep) {
    frame.firstStep -= 1;
    frame.lastStep += 1;
  }
  if (frame.low <= 0) frame.logarithmic = false;
  if (frame.logarithmic) {
    const air = frame.high === frame.low ? 1.5 : (frame.high / frame.low) ** 0.06;
    frame.low /= air;
    frame.high *= air;
  } else {
    const air = frame.high === frame.low ? Math.abs(frame.high) * 0.1 || 1 : (frame.high - frame.low) * 0.06;
    // Counts and shares keep zero as their floor.
    frame.low = frame.low >= 0 ? Math.max(0, frame.low - air) : frame.low - air;
    frame.high += air;
  }
  return frame;
}

/** 0 (left) to 1000 (right). */
export function stepPosition(step: number, frame: Frame): number {
  if (frame.logarithmicSteps) {
    const shift = frame.firstStep > 0 ? 0 : 1 - frame.firstStep;
    return (
      (1000 * Math.log((step + shift) / (frame.firstStep + shift))) /
      Math.log((frame.lastStep + shift) / (frame.firstStep + shift))
    );
  }
  return (1000 * (step - frame.firstStep)) / (frame.lastStep - frame.firstStep);
}

/** The step at a place from 0 (left) to 1000 (right), not rounded. */
export function stepAt(position: number, frame: Frame): number {
  const share = position / 1000;
  if (!frame.logarithmicSteps) return frame.firstStep + share * (frame.lastStep - frame.firstStep);
  const shift = frame.firstStep > 0 ? 0 : 1 - frame.firstStep;
  const ratio = (frame.lastStep + shift) / (frame.firstStep + shift);
  return (frame.firstStep + shift) * ratio ** share - shift;
}

/** 0 (top) to 1000 (bottom). */
export function valuePosition(value: number, frame: Frame): number {
  if (frame.logarithmic) {
    return (1000 * Math.log(frame.high / value)) / Math.log(frame.high / frame.low);
  }
  return (1000 * (frame.high - value)) / (frame.high - frame.low);
}

/** The `d` of an SVG path; gaps start a new stroke. */
export function curvePath(steps: number[], values: (number | null)[], frame: Frame): string {
  let path = '';
  let pen = 'M';
  steps.forEach((step, index) => {
    const value = values[index] ?? null;
    if (value === null) {
      pen = 'M';
      return;
    }
    path += `${pen}${stepPosition(step, frame).toFixed(1)},${valuePosition(value, frame).toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

/** The same for points: zero-length strokes, which round caps make dots that stay round however the plot is stretched. */
export function dotsPath(steps: number[], values: (number | null)[], frame: Frame): string {
  let path = '';
  steps.forEach((step, index) => {
    const value = values[index] ?? null;
    if (value === null) return;
    path += `M${stepPosition(step, frame).toFixed(1)},${valuePosition(value, frame).toFixed(1)}h0`;
  });
  return path;
}

/** Where the axis of steps has its marks: whole numbers. */
export function stepTicks(frame: Frame): number[] {
  const low = frame.logarithmicSteps ? Math.max(frame.firstStep, 1) : frame.firstStep;
  return axisTicks(low, frame.lastStep, frame.logarithmicSteps, 4).filter((tick) => Number.isInteger(tick));
}

/** Round numbers between low and high, about `count` of them; powers of ten and their 2 and 5 on a wide log axis. */
export function axisTicks(low: number, high: number, logarithmic: boolean, count: number): number[] {
  if (logarithmic && high / low > 8) {
    const ticks = [];
    const factors = high / low > 200 ? [1] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of factors) {
        const tick = Number((factor * 10 ** power).toPrecision(1));
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    const every = Math.ceil(ticks.length / (count + 2));
    return ticks.filter((_, index) => index % every === 0);
  }
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const stride = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks = [];
  for (let index = Math.ceil(low / stride); index * stride <= high; index += 1) {
    ticks.push(Number((index * stride).toPrecision(12)));
  }
  return ticks;
}

/** Short text for an axis: `0.002`, `3.5`, `12k`, `1.5M`. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e12) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(4))}G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))}k`;
  if (size !== 0 && size < 1e-3) return value.toExponential(1).replace('.0e', 'e');
  return String(Number(value.toPrecision(4)));
}
