import { type Batch, type Dataset, datasetOf, NO_TARGET } from './batch.js';

/** The same rows with every token that has a successor in its segment as a target, not only the answers. */
export function targetEveryToken(dataset: Dataset): Dataset {
  return datasetOf({
    ...dataset,
    fill(row, batch, offset) {
      dataset.fill(row, batch, offset);
      targetRow(batch, offset);
    },
  });
}

function targetRow({ inputIds, segmentIds, labels, length }: Batch, offset: number): void {
  labels.fill(NO_TARGET, offset, offset + length);
  for (let t = offset; t + 1 < offset + length; t += 1) {
    if (segmentIds[t] !== 0 && segmentIds[t + 1] === segmentIds[t]) labels[t] = inputIds[t + 1]!;
  }
}
