import type { FieldType, StructType } from './tree/struct-type.js';

const text: FieldType = { kind: 'text' };
const any: FieldType = { kind: 'any' };
const texts: FieldType = { kind: 'list', of: text };
const anyDict: FieldType = { kind: 'dict', of: any };
const struct = (name: string, fields: Record<string, FieldType>): FieldType => ({
  kind: 'struct',
  type: { name, fields },
});

/** Keys and types of the `hydra` node, as the reference fixes them. */
export const HYDRA_TYPE: StructType = {
  name: 'HydraConf',
  fields: {
    mode: { kind: 'enum', names: ['RUN', 'MULTIRUN'], optional: true },
    searchpath: texts,
    run: struct('RunDir', { dir: text }),
    sweep: struct('SweepDir', { dir: text, subdir: text }),
    hydra_logging: anyDict,
    job_logging: anyDict,
    sweeper: any,
    launcher: any,
    callbacks: anyDict,
    env: any,
    help: struct('HelpConf', { app_name: text, header: text, footer: text, template: text }),
    hydra_help: struct('HydraHelpConf', { hydra_help: text, template: text }),
    output_subdir: { kind: 'text', optional: true },
    overrides: struct('OverridesConf', { hydra: texts, task: texts }),
    job: struct('JobConf', {
      name: text,
      chdir: { kind: 'boolean' },
      override_dirname: text,
      id: text,
      num: { kind: 'integer' },
      config_name: { kind: 'text', optional: true },
      env_set: { kind: 'dict', of: text },
      env_copy: texts,
      config: struct('JobConfig', {
        override_dirname: struct('OverrideDirname', { kv_sep: text, item_sep: text, exclude_keys: texts }),
      }),
    }),
    runtime: struct('RuntimeConf', {
      version: text,
      version_base: { kind: 'text', optional: true },
      cwd: text,
      config_sources: { kind: 'list', of: any },
      output_dir: text,
      choices: anyDict,
    }),
    verbose: any,
  },
};
