import type { BuiltInConfig } from './defaults/source.js';

const LOGGING_DISABLED = { data: { version: 1, root: { level: 'ERROR' }, disable_existing_loggers: true } };
const LOGGING_NONE = { data: { version: 1, root: null, disable_existing_loggers: false } };

/** The configs every composition starts from, by path. As data, not text: reading them as YAML took longer than all the rest. */
export const HYDRA_CONFIGS: Readonly<Record<string, BuiltInConfig>> = {
  'hydra/config': {
    data: {
      defaults: [
        { output: 'default' },
        { launcher: 'basic' },
        { sweeper: 'basic' },
        { help: 'default' },
        { hydra_help: 'default' },
        { hydra_logging: 'default' },
        { job_logging: 'default' },
        { callbacks: null },
        { env: 'default' },
      ],
      mode: null,
      searchpath: [],
      callbacks: {},
      output_subdir: '.hydra',
      overrides: { hydra: [], task: [] },
      job: {
        name: '???',
        chdir: false,
        override_dirname: '${hydra_override_dirname:}',
        id: '???',
        num: '???',
        config_name: '???',
        env_set: {},
        env_copy: [],
        config: { override_dirname: { kv_sep: '=', item_sep: ',', exclude_keys: [] } },
      },
      runtime: {
        version: '???',
        version_base: '???',
        cwd: '???',
        config_sources: '???',
        output_dir: '???',
        choices: {},
      },
      verbose: false,
    },
  },
  'hydra/output/default': {
    package: 'hydra',
    data: {
      run: { dir: 'outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}' },
      sweep: { dir: 'multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}', subdir: '${hydra.job.num}' },
    },
  },
  'hydra/launcher/basic': { data: { _target_: 'hydra._internal.core_plugins.basic_launcher.BasicLauncher' } },
  'hydra/sweeper/basic': {
    data: {
      _target_: 'hydra._internal.core_plugins.basic_sweeper.BasicSweeper',
      max_batch_size: null,
      params: null,
    },
  },
  'hydra/sweeper/random': {
    data: {
      _target_: 'random',
      objective: null,
      direction: 'minimize',
      prune_after: null,
      n_trials: 20,
      seed: 0,
      max_batch_size: null,
      params: null,
    },
  },
  'hydra/sweeper/tpe': {
    data: {
      _target_: 'tpe',
      objective: 'validation/loss',
      direction: 'minimize',
      prune_after: null,
      n_trials: 20,
      n_startup_trials: 10,
      seed: 0,
      max_batch_size: null,
      params: null,
    },
  },
  'hydra/help/default': {
    data: {
      app_name: '${hydra.job.name}',
      header: `\${hydra.help.app_name} is powered by Hydra.
`,
      footer: `Powered by Hydra (https://hydra.cc)
Use --hydra-help to view Hydra specific help
`,
      template: `\${hydra.help.header}
== Configuration groups ==
Compose your configuration from those groups (group=option)

$APP_CONFIG_GROUPS

== Config ==
Override anything in the config (foo.bar=value)

$CONFIG

\${hydra.help.footer}
`,
    },
  },
  'hydra/hydra_help/default': {
    data: {
      template: `Hydra (\${hydra.runtime.version})
See https://hydra.cc for more info.

== Flags ==
$FLAGS_HELP

== Configuration groups ==
Compose your configuration from those groups (For example, append hydra/job_logging=disabled to command line)

$HYDRA_CONFIG_GROUPS

Use '--cfg hydra' to Show the Hydra config.
`,
      hydra_help: '???',
    },
  },
  'hydra/hydra_logging/default': {
    data: {
      version: 1,
      formatters: { simple: { format: '[%(asctime)s][HYDRA] %(message)s' } },
      handlers: {
        console: { class: 'logging.StreamHandler', formatter: 'simple', stream: 'ext://sys.stdout' },
      },
      root: { level: 'INFO', handlers: ['console'] },
      loggers: { logging_example: { level: 'DEBUG' } },
      disable_existing_loggers: false,
    },
  },
  'hydra/hydra_logging/disabled': LOGGING_DISABLED,
  'hydra/hydra_logging/hydra_debug': {
    data: {
      version: 1,
      formatters: { simple: { format: '[%(asctime)s][HYDRA] %(message)s' } },
      handlers: {
        file: {
          class: 'logging.FileHandler',
          mode: 'w',
          formatter: 'simple',
          filename: 'hydra-${hydra.job.name}.log',
          delay: true,
        },
      },
      root: { level: 'ERROR', handlers: ['file'] },
      loggers: { hydra: { level: 'DEBUG' } },
      disable_existing_loggers: false,
    },
  },
  'hydra/hydra_logging/none': LOGGING_NONE,
  'hydra/job_logging/default': {
    data: {
      version: 1,
      formatters: { simple: { format: '[%(asctime)s][%(name)s][%(levelname)s] - %(message)s' } },
      handlers: {
        console: { class: 'logging.StreamHandler', formatter: 'simple', stream: 'ext://sys.stdout' },
        file: {
          class: 'logging.FileHandler',
          formatter: 'simple',
          filename: '${hydra.runtime.output_dir}/${hydra.job.name}.log',
        },
      },
      root: { level: 'INFO', handlers: ['console', 'file'] },
      disable_existing_loggers: false,
    },
  },
  'hydra/job_logging/disabled': LOGGING_DISABLED,
  'hydra/job_logging/none': LOGGING_NONE,
  'hydra/job_logging/stdout': {
    data: {
      version: 1,
      formatters: { simple: { format: '%(message)s' } },
      handlers: {
        console: { class: 'logging.StreamHandler', formatter: 'simple', stream: 'ext://sys.stdout' },
      },
      root: { level: 'INFO', handlers: ['console'] },
      disable_existing_loggers: false,
    },
  },
  'hydra/env/default': { data: {} },
};
