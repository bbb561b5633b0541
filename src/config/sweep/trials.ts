import { type Dimension, pointCount, pointTexts } from './space.js';

/** A point that is tried: its coordinates, and the overrides that set it. */
export interface Trial {
  point: number[];
  texts: string[];
}

const ATTEMPTS = 100;

/** Hands out the trials of a search, none twice, until there were enough or every point was tried. */
export class Trials {
  /** Trials in all. */
  readonly count: number;
  private left: number;
  private readonly space: Dimension[];
  private readonly tried = new Set<string>();

  constructor(space: Dimension[], count: number) {
    this.space = space;
    this.count = Math.min(count, pointCount(space));
    this.left = this.count;
  }

  /**
   * Up to `size` trials; undefined when the search is over. `propose` gives candidates, best first, and others at the next
   * call; it gets the trials already in this batch.
   */
  batch(size: number, propose: (batch: Trial[]) => number[][], uniform: () => number): Trial[] | undefined {
    if (this.left <= 0) return undefined;
    const count = Math.min(size, this.left);
    this.left -= count;
    const batch: Trial[] = [];
    while (batch.length < count) batch.push(this.next(() => propose(batch), uniform));
    return batch;
  }

  private next(propose: () => number[][], uniform: () => number): Trial {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      for (const point of propose()) {
        const trial = this.trial(point);
        if (!this.tried.has(keyOf(trial))) return this.taken(trial);
      }
    }
    return this.taken(this.firstUntried(uniform));
  }

  /** Counts through the points from a random one; among one more point than were tried, one is new. */
  private firstUntried(uniform: () => number): Trial {
    const point = this.space.map((one) => {
      if (one.kind === 'fixed') return 0;
      return Math.floor(uniform() * sizeOf(one));
    });
    for (let step = 0; ; step++) {
      const trial = this.trial(
        this.space.map((one, index) => (one.kind === 'axis' ? one.axis.place(point[index]!) : point[index]!)),
      );
      if (step > this.tried.size || !this.tried.has(keyOf(trial))) return trial;
      for (let index = 0; index < point.length; index++) {
        point[index]!++;
        if (point[index]! < sizeOf(this.space[index]!)) break;
        point[index] = 0;
      }
    }
  }

  private trial(point: number[]): Trial {
    return { point, texts: pointTexts(this.space, point) };
  }

  private taken(trial: Trial): Trial {
    this.tried.add(keyOf(trial));
    return trial;
  }
}

const keyOf = ({ texts }: Trial): string => texts.join('\n');

// An axis of floats counts as one value: no two draws of it are the same.
function sizeOf(one: Dimension): number {
  if (one.kind === 'fixed') return 1;
  if (one.kind === 'options') return one.texts.length;
  return Number.isFinite(one.axis.count) ? one.axis.count : 1;
}
