/**
 * Mean loss (nats per token) on `heldOut` of a model that knows only how often each token occurs in `train`, with one
 * added to each count: what any trained model must beat. Documents' first tokens are not counted, as nothing predicts them.
 */
export function unigramLoss(
  train: readonly Int32Array[],
  heldOut: readonly Int32Array[],
  vocabSize: number,
): number {
  const counts = new Float64Array(vocabSize).fill(1);
  for (const ids of train) for (const id of ids) counts[id]! += 1;
  const total = counts.reduce((sum, count) => sum + count, 0);
  let loss = 0;
  let targets = 0;
  for (const ids of heldOut) {
    for (let t = 1; t < ids.length; t++) loss -= Math.log(counts[ids[t]!]! / total);
    targets += Math.max(0, ids.length - 1);
  }
  return targets === 0 ? 0 : loss / targets;
}
