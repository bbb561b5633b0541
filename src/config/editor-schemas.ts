import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonSchema } from './bundle-schema.js';
import { fileSchema, hydraFileSchema } from './file-schema.js';

/** A stage as steps of pipelines name it. */
interface NamedStage {
  name: string;
  aliases: readonly string[];
  config: string;
}

/** The files that editors check the YAML of a config folder by (`configs/.schemas/`): text by name. */
export function editorSchemas(configs: string, stages: readonly NamedStage[]): Map<string, string> {
  const made = new Map<string, JsonSchema>([['hydra.json', hydraFileSchema()]]);
  const sources = readdirSync(configs).filter((name) => name.endsWith('.schema.json'));
  for (const name of sources.sort()) {
    const schema = fileSchema(JSON.parse(readFileSync(join(configs, name), 'utf8')) as JsonSchema);
    if (name === 'pipeline.schema.json') addStepConfigs(schema, stages);
    made.set(name.replace('.schema.json', '.json'), schema);
  }
  return new Map([...made].map(([name, schema]) => [name, `${JSON.stringify(schema, undefined, 1)}\n`]));
}

/** The config of a pipeline's step is one of the step's stage. */
function addStepConfigs(pipeline: JsonSchema, stages: readonly NamedStage[]): void {
  // Values stand beside the interpolation that may take their place.
  const value = (schema: unknown) => (schema as { anyOf: JsonSchema[] }).anyOf[0]!;
  const whole = (pipeline.$defs as Record<string, JsonSchema>).value!;
  const step = value(value((whole.properties as JsonSchema).steps).additionalProperties);
  step.allOf = stages.map(({ name, aliases, config }) => ({
    if: { properties: { stage: { enum: [name, ...aliases] } }, required: ['stage'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties: { config: { $ref: `${config}.json#/$defs/value` } } },
  }));
}
