import { join } from 'node:path';
import { openDevice } from '../src/engine/index.js';
import { saveModelFolder } from '../src/models/index.js';
import type { StageDefinition } from '../src/runner/stage.js';
import { type GateConfig, loadSelector, openSelector } from '../src/select/index.js';

/** configs/convert.schema.json describes each key. */
export interface ConvertConfig extends GateConfig {
  seed: number;
  device: string;
  threads: number | null;
  model: string;
}

export const stage: StageDefinition<ConvertConfig> = {
  name: 'convert',

  async run(context) {
    const { config } = context;
    const source = context.resolvePath(config.model);
    context.addInput('original', source);
    const { quality_gate_init_mean, quality_gate_init_std, trash_expert_mode } = config;
    const model = await openSelector(source, {
      quality_gate_init_mean,
      quality_gate_init_std,
      trash_expert_mode,
    });
    const { session, threads } = await openDevice(config, context);
    await loadSelector(model, source, session, { seed: config.seed, threads });
    const folder = join(context.runDirectory, 'model');
    saveModelFolder(model, session, folder, { tokenizerFolder: source });
    session.close();
    context.addOutput('model', folder);
    const gates = model.parameters().filter(({ name }) => name.includes('quality_gate'));
    context.addFact('result', { model: folder, quality_gates: gates.length });
  },
};
