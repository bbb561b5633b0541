import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Session } from '../engine/index.js';
import {
  type LoraAdapter,
  loadAdapter,
  loadModel,
  loadWeights,
  type Model,
  readJsonObject,
  type WeightStorage,
} from '../models/index.js';

/** A model with its weights, and perhaps an adapter, in a session. */
export interface ReadyModel {
  readonly model: Model;
  readonly adapter: LoraAdapter | null;
}

/** Loads a model folder, its weights held as `storage` says, and a PEFT folder on top of it into the session. Throws `model.*` and `adapter.*`. */
export async function loadReadyModel(
  session: Session,
  folder: string,
  adapterFolder: string | null,
  storage?: WeightStorage,
): Promise<ReadyModel> {
  const plain = await loadModel(folder);
  const model = storage ? plain.stored(storage) : plain;
  loadWeights(model, folder, session);
  if (adapterFolder === null) return { model, adapter: null };
  return { model, adapter: loadAdapter(adapterFolder, model, session) };
}

/**
 * Ids that end a text: `eos_token_id` (one or a list) of generation_config.json, else of config.json; and what ends a turn
 * of a conversation, the tokenizer's own, where there is one.
 */
export function stopIdsOf(model: Model, folder: string, endOfTurn: number | null = null): number[] {
  const file = join(folder, 'generation_config.json');
  const generation = existsSync(file) ? readJsonObject(file) : {};
  const eos = generation.eos_token_id ?? model.config.eos_token_id ?? [];
  return [eos, endOfTurn].flat().filter((id): id is number => Number.isInteger(id));
}
