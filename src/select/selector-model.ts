import { SafetensorsFile, type TensorToWrite, WeightFiles, writeSafetensors } from '../checkpoint/index.js';
import type { Session } from '../engine/index.js';
import { SluiceError } from '../errors.js';
import { buildModel, initializeWeights, loadModel, loadWeights, type Model } from '../models/index.js';
import { fromOlmoe } from '../models/select_moe/hf-names.js';

/** What a Select-MoE model has beyond the OLMoE model it is made from; keys of its config.json. */
export interface GateConfig {
  quality_gate_init_mean: number;
  quality_gate_init_std: number;
  trash_expert_mode: 'zero' | 'noise' | 'custom';
  /** With `custom`: a name given to registerTrash. */
  trash_expert_name?: string;
}

/**
 * The Select-MoE model of a folder: its own, or an OLMoE model with quality gates added. Throws `model.not_moe` for any
 * other family, and what reading models throws.
 */
export async function openSelector(folder: string, gates: GateConfig): Promise<Model> {
  const base = await loadModel(folder);
  if (base.modelType === 'select_moe') {
    const { trash_expert_mode, trash_expert_name = null } = gates;
    return buildModel({ ...base.config, trash_expert_mode, trash_expert_name }, folder);
  }
  if (base.modelType === 'olmoe') {
    const architectures = ['SelectMoeForCausalLM'];
    return buildModel({ ...base.config, ...gates, model_type: 'select_moe', architectures }, folder);
  }
  throw new SluiceError(
    'model.not_moe',
    `${folder} is a ${base.modelType} model; a selector is made from an olmoe or select_moe model`,
    { where: folder, hint: 'give the folder of an OLMoE model: pretrain makes one with model=olmoe_3m' },
  );
}

/** Puts the folder's weights into the session; the gates that an OLMoE folder lacks are drawn by seed. */
export async function loadSelector(
  model: Model,
  folder: string,
  session: Session,
  options: { seed: number; threads: number },
): Promise<void> {
  const stored = await loadModel(folder);
  if (stored.modelType === 'select_moe') {
    loadWeights(model, folder, session);
    return;
  }
  loadWeights(stored.stored(model.storage), folder, {
    setState: (name, dtype, shape, data) => session.setState(fromOlmoe(name), dtype, shape, data),
    getState: (name) => session.getState(fromOlmoe(name)),
    readWeights: (weights) =>
      session.readWeights(
        weights.map(({ state, scales, ...weight }) => ({
          ...weight,
          state: fromOlmoe(state),
          ...(scales !== undefined && { scales: fromOlmoe(scales) }),
        })),
      ),
  });
  const gates = model.parameters().filter(({ name }) => name.includes('quality_gate'));
  await initializeWeights(gates, session, options);
}

const baseKey = 'base_model_sha256';
const adapterKey = 'adapter';
const gatesKey = 'gates';

/** sha256 that stands for the weights of a model folder. */
export function modelFingerprint(folder: string): string {
  const files = WeightFiles.open(folder);
  const { sha256 } = files;
  files.close();
  return sha256;
}

/** What full_rank_weights.safetensors says besides its tensors. */
export interface RouterWeightsInfo {
  gates: GateConfig;
  /** PEFT folder beside the file, trained along; null where there is none. */
  adapter: string | null;
}

/** Writes only what was trained, with the fingerprint of the model that it belongs to. */
export function saveRouterWeights(
  path: string,
  tensors: readonly TensorToWrite[],
  baseFolder: string,
  info: RouterWeightsInfo,
): void {
  writeSafetensors(path, tensors, {
    format: 'pt',
    [baseKey]: modelFingerprint(baseFolder),
    [gatesKey]: JSON.stringify(info.gates),
    ...(info.adapter === null ? {} : { [adapterKey]: info.adapter }),
  });
}

/** Reads what a weights file says of itself. Throws `checkpoint.other_model` when it was trained on another base. */
export function readRouterInfo(path: string, baseFolder: string): RouterWeightsInfo {
  const file = new SafetensorsFile(path);
  const { metadata } = file.header;
  file.close();
  const trainedOn = metadata[baseKey];
  if (trainedOn === undefined || metadata[gatesKey] === undefined) {
    throw new SluiceError('checkpoint.other_model', `${path} holds no router weights of stage_1`, {
      where: path,
      hint: 'model_checkpoint_path takes the full_rank_weights.safetensors that stage_1 wrote',
    });
  }
  const found = modelFingerprint(baseFolder);
  if (trainedOn !== found) {
    throw new SluiceError(
      'checkpoint.other_model',
      `${path} was trained on a model with sha256 ${trainedOn.slice(0, 12)}…, ${baseFolder} has ${found.slice(0, 12)}…`,
      { where: path, hint: 'selector_model.path must be the model that stage_1 started from' },
    );
  }
  return { gates: JSON.parse(metadata[gatesKey]) as GateConfig, adapter: metadata[adapterKey] ?? null };
}

/** Puts router weights over the model's own. Throws `checkpoint.other_model` naming what does not fit. */
export function loadRouterWeights(path: string, model: Model, session: Session): void {
  const file = new SafetensorsFile(path);
  try {
    const known = new Map(model.parameters().map(({ name, shape }) => [name, shape]));
    for (const name of file.names) {
      const shape = known.get(name);
      const stored = file.entry(name).shape;
      if (shape === undefined || String(shape) !== String(stored)) {
        const wanted = shape === undefined ? 'has no such weight' : `has it as [${shape}]`;
        throw new SluiceError(
          'checkpoint.other_model',
          `${path}: ${name} is [${stored}], the model ${wanted}`,
          {
            where: path,
            hint: 'the weights belong to another model: give the folder that they were trained on',
          },
        );
      }
      session.setState(name, 'f32', [...stored], file.readF32(name));
    }
  } finally {
    file.close();
  }
}
