import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeTextAtomic } from './atomic.js';
import { storedBytes } from './safetensors-header.js';
import { type TensorToWrite, writeSafetensors } from './safetensors-write.js';

/** What Transformers writes into one file at most. */
const usualShardBytes = 5e9;

/**
 * Writes the weights of a model folder as Transformers does: `model.safetensors`, or beyond `shardBytes` the files
 * `model-00001-of-0000N.safetensors` with `model.safetensors.index.json`. A tensor is never cut; what an earlier save
 * left in the folder in the other form is removed.
 */
export function writeShards(
  folder: string,
  tensors: readonly TensorToWrite[],
  shardBytes = usualShardBytes,
): void {
  const shards = divide(tensors, shardBytes);
  const name = (i: number) =>
    shards.length === 1
      ? 'model.safetensors'
      : `model-${padded(i + 1)}-of-${padded(shards.length)}.safetensors`;
  for (const [i, shard] of shards.entries()) writeSafetensors(join(folder, name(i)), shard);
  const index = join(folder, 'model.safetensors.index.json');
  if (shards.length > 1) {
    const total_size = tensors.reduce((sum, tensor) => sum + storedBytes(tensor), 0);
    const weight_map = Object.fromEntries(
      shards.flatMap((shard, i) => shard.map((tensor) => [tensor.name, name(i)])),
    );
    writeTextAtomic(index, `${JSON.stringify({ metadata: { total_size }, weight_map }, null, 2)}\n`);
  } else if (existsSync(index)) rmSync(index);
  const current = new Set(shards.map((_, i) => name(i)));
  for (const file of readdirSync(folder)) {
    const isWeights = /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(file);
    if (isWeights && !current.has(file)) rmSync(join(folder, file));
  }
}

const padded = (number: number): string => String(number).padStart(5, '0');

/** In order, each as full as it may be; a tensor larger than a shard stands alone. */
function divide(tensors: readonly TensorToWrite[], shardBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = storedBytes(tensor);
    if (bytes > 0 && bytes + size > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  return shards;
}
