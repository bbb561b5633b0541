/** A curve of at most 2 × `capacity` points that fits a cell, filled value by value, whatever number of them comes. */
export class Sparkline {
  private readonly capacity: number;
  private kept: number[] = [];
  private stride = 1;
  private sum = 0;
  private count = 0;

  constructor(capacity = 40) {
    this.capacity = capacity;
  }

  /** Each point is the mean of as many values as any other's; when there are too many points, neighbours are joined. */
  add(value: number): void {
    this.sum += value;
    this.count += 1;
    if (this.count < this.stride) return;
    this.kept.push(this.sum / this.count);
    [this.sum, this.count] = [0, 0];
    if (this.kept.length < 2 * this.capacity) return;
    this.kept = Array.from(
      { length: this.capacity },
      (_, index) => (this.kept[2 * index]! + this.kept[2 * index + 1]!) / 2,
    );
    this.stride *= 2;
  }

  get points(): readonly number[] {
    return this.kept;
  }

  /** The `d` of a path in a box of 100 x 24; empty for fewer than two points. */
  get path(): string {
    if (this.kept.length < 2) return '';
    const low = Math.min(...this.kept);
    const span = Math.max(...this.kept) - low || 1;
    return this.kept
      .map((value, index) => {
        const x = (100 * index) / (this.kept.length - 1);
        return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)},${(22 - (20 * (value - low)) / span).toFixed(1)}`;
      })
      .join('');
  }
}
