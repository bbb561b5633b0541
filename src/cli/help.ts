import type { Project } from './project.js';

/** `./run --help` */
export function helpText({ stages }: Project): string {
  return `Sluice runs language-model training as declared pipelines.

  ./run <stage> [key=value …]        run a stage; ./run <stage> --help shows its config
  ./run <pipeline> [key=value …]     run configs/experiment/<pipeline>.yaml; ./run demo is the tour
  ./run stages                       every stage with one line
  ./run runs [stage=… status=…]      past runs, newest last; runs show ID, and more in docs/runs.md
  ./run devices                      what device= can name here, how fast it is, and what is missing
  ./run ui [port=…]                  past and running runs as pages on 127.0.0.1
  ./run config-schema [name]         the JSON Schema of a stage, group or pipeline

Stages:
${stageLines(stages)}

Flags, as in Hydra (--hydra-help lists them all):
  --cfg job|hydra|all    print the composed config instead of running; --resolve fills interpolations in
  -p, --package KEY      only this part of it
  --origin               with --cfg: which file or override set each value
  --info [KIND]          how the config came about: searchpath, defaults, defaults-tree, config, plugins
  -m, --multirun         one run per combination of comma-separated values
  --resume-sweep [DIR]   go on with a sweep: run what is unfinished of it (the latest one, or that of a folder)
  -cn, -cp, -cd          config name, config folder, additional config folder
  --experimental-rerun   run again what a run folder has saved
  -sc install=bash       completion for bash, zsh or fish: eval "$(./run -sc install=bash)"
And:
  --plan                 print memory, FLOPs and ops of the programs that would run; runs nothing
  --log plain|json       lines instead of the live display; json: one result object on standard output
  --help, --version

Overrides are Hydra's: key=value, +new=1, ++force=1, ~remove, group=option, key@package=option.
Relative paths are relative to the project's folder. Exit codes: 0 good, 1 a run failed, 2 usage or config, 130 interrupted.
`;
}

/** `./run stages` */
export function stageLines(stages: Project['stages']): string {
  const width = Math.max(...stages.map(({ name }) => name.length));
  const names = (aliases: string[]) => (aliases.length === 0 ? '' : `  (${aliases.join(', ')})`);
  return stages
    .map((stage) => `  ${stage.name.padEnd(width)}  ${stage.description}${names(stage.aliases)}`)
    .join('\n');
}
