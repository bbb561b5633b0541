/** Prompts of unequal length, padded on the right. Arrays are i32[rows, length]. */
export interface PromptBatch {
  readonly rows: number;
  readonly length: number;
  readonly inputIds: Int32Array;
  /** 1 for a token, 0 for padding: padding comes from lengths, never from token ids. */
  readonly segmentIds: Int32Array;
  readonly positions: Int32Array;
}

/** @param length at least that of the longest prompt */
export function rightPad(prompts: readonly (readonly number[])[], length: number): PromptBatch {
  const rows = prompts.length;
  const batch = {
    rows,
    length,
    inputIds: new Int32Array(rows * length),
    segmentIds: new Int32Array(rows * length),
    positions: new Int32Array(rows * length),
  };
  prompts.forEach((prompt, row) => {
    const first = row * length;
    batch.inputIds.set(prompt, first);
    batch.segmentIds.fill(1, first, first + prompt.length);
    for (let t = 0; t < prompt.length; t++) batch.positions[first + t] = t;
  });
  return batch;
}

/** Inputs of an encoder, by their usual names. */
export function encoderInputs(
  prompts: readonly (readonly number[])[],
  length: number,
): Record<string, Int32Array> {
  const { inputIds, segmentIds } = rightPad(prompts, length);
  return { encoder_input_ids: inputIds, encoder_segment_ids: segmentIds };
}

/** The next length for which a program is compiled: steps of an eighth, so that little is wasted and few are needed. */
export function bucketLength(length: number, limit = Number.POSITIVE_INFINITY): number {
  const step = Math.max(8, 2 ** Math.floor(Math.log2(Math.max(length, 1)) - 2));
  return Math.max(length, Math.min(Math.ceil(length / step) * step, limit));
}
