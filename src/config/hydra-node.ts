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

const LOGGING_DISABLED = 'version: 1\nroot:\n  level: ERROR\ndisable_existing_loggers: true\n';
const LOGGING_NONE = 'version: 1\nroot: null\ndisable_existing_loggers: false\n';

/** The configs every composition starts from, by path. */
export const HYDRA_FILES: Readonly<Record<string, string>> = {
  'hydra/config': `defaults:
  - output: default
  - launcher: basic
  - sweeper: basic
  - help: default
  - hydra_help: default
  - hydra_logging: default
  - job_logging: default
  - callbacks: null
  - env: default
mode: null
searchpath: []
callbacks: {}
output_subdir: .hydra
overrides:
  hydra: []
  task: []
job:
  name: ???
  chdir: false
  override_dirname: \${hydra_override_dirname:}
  id: ???
  num: ???
  config_name: ???
  env_set: {}
  env_copy: []
  config:
    override_dirname:
      kv_sep: '='
      item_sep: ','
      exclude_keys: []
runtime:
  version: ???
  version_base: ???
  cwd: ???
  config_sources: ???
  output_dir: ???
  choices: {}
verbose: false
`,
  'hydra/output/default': `# @package hydra
run:
  dir: outputs/\${now:%Y-%m-%d}/\${now:%H-%M-%S}
sweep:
  dir: multirun/\${now:%Y-%m-%d}/\${now:%H-%M-%S}
  subdir: \${hydra.job.num}
`,
  'hydra/launcher/basic': '_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher\n',
  'hydra/sweeper/basic': `_target_: hydra._internal.core_plugins.basic_sweeper.BasicSweeper
max_batch_size: null
params: null
`,
  'hydra/sweeper/random': `_target_: random
objective: null
direction: minimize
prune_after: null
n_trials: 20
seed: 0
max_batch_size: null
params: null
`,
  'hydra/sweeper/tpe': `_target_: tpe
objective: validation/loss
direction: minimize
prune_after: null
n_trials: 20
n_startup_trials: 10
seed: 0
max_batch_size: null
params: null
`,
  'hydra/help/default': `app_name: \${hydra.job.name}
header: |
  \${hydra.help.app_name} is powered by Hydra.
footer: |
  Powered by Hydra (https://hydra.cc)
  Use --hydra-help to view Hydra specific help
template: |
  \${hydra.help.header}
  == Configuration groups ==
  Compose your configuration from those groups (group=option)

  $APP_CONFIG_GROUPS

  == Config ==
  Override anything in the config (foo.bar=value)

  $CONFIG

  \${hydra.help.footer}
`,
  'hydra/hydra_help/default': `template: |
  Hydra (\${hydra.runtime.version})
  See https://hydra.cc for more info.

  == Flags ==
  $FLAGS_HELP

  == Configuration groups ==
  Compose your configuration from those groups (For example, append hydra/job_logging=disabled to command line)

  $HYDRA_CONFIG_GROUPS

  Use '--cfg hydra' to Show the Hydra config.
hydra_help: ???
`,
  'hydra/hydra_logging/default': `version: 1
formatters:
  simple:
    format: '[%(asctime)s][HYDRA] %(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: simple
    stream: ext://sys.stdout
root:
  level: INFO
  handlers: [console]
loggers:
  logging_example:
    level: DEBUG
disable_existing_loggers: false
`,
  'hydra/hydra_logging/disabled': LOGGING_DISABLED,
  'hydra/hydra_logging/hydra_debug': `version: 1
formatters:
  simple:
    format: '[%(asctime)s][HYDRA] %(message)s'
handlers:
  file:
    class: logging.FileHandler
    mode: w
    formatter: simple
    filename: hydra-\${hydra.job.name}.log
    delay: true
root:
  level: ERROR
  handlers: [file]
loggers:
  hydra:
    level: DEBUG
disable_existing_loggers: false
`,
  'hydra/hydra_logging/none': LOGGING_NONE,
  'hydra/job_logging/default': `version: 1
formatters:
  simple:
    format: '[%(asctime)s][%(name)s][%(levelname)s] - %(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: simple
    stream: ext://sys.stdout
  file:
    class: logging.FileHandler
    formatter: simple
    filename: \${hydra.runtime.output_dir}/\${hydra.job.name}.log
root:
  level: INFO
  handlers: [console, file]
disable_existing_loggers: false
`,
  'hydra/job_logging/disabled': LOGGING_DISABLED,
  'hydra/job_logging/none': LOGGING_NONE,
  'hydra/job_logging/stdout': `version: 1
formatters:
  simple:
    format: '%(message)s'
handlers:
  console:
    class: logging.StreamHandler
    formatter: simple
    stream: ext://sys.stdout
root:
  level: INFO
  handlers: [console]
disable_existing_loggers: false
`,
  'hydra/env/default': '# nothing is set by default\n',
};
