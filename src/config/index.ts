/**
 * The config room: Hydra 1.4 / OmegaConf 2.4 semantics without process-wide state.
 *
 *     const composed = compose({
 *       configDirs: ['configs'], configName: 'stage_1_pretrain', overrides: ['training.learning_rate=5e-5'],
 *       jobName: 'stage_1', env: process.env,
 *     });
 *     composed.config()                       // plain data, interpolations resolved, without the hydra node
 *     composed.yaml({ resolve: true })        // what `--cfg job --resolve` prints
 *     composed.value('hydra.run.dir')         // any value of the whole config
 *     composed.origin('training.lr')          // { where: 'configs/…yaml:12:3', replaced: […] }
 *
 *     printOrigins(composed)                  // `--cfg job --origin`
 *     const validate = await compileSchema(loadSchema('configs/stage_1_pretrain.schema.json'))
 *     checkConfig(composed, validate, { stage: 'stage_1', … })   // { violations, warnings, … }; new SchemaError(violations)
 *     const plan = planSweep({ …, overrides: ['lr=1e-3,1e-4'] })   // `-m`; plan.sweeper.ask(), plan.job(n, overrides), tell()
 *     await instantiate({ _target_: 'random', percentage: 0.1 }, selectors)   // registered names only
 *     trackReads(config)                      // which keys a stage never read
 *
 * Every failure is a SluiceError whose code starts with `config.`, with `where` (file:line:column or the override) and, where
 * there is one, a hint. Nothing here reads the environment, changes a directory or keeps anything between calls.
 */

export { type CheckOptions, type CheckResult, checkConfig } from './check-config.js';
export { type ComposedConfig, type ComposeOptions, compose, type ValueOrigin } from './compose.js';
export { checkTargets } from './instantiate/check-targets.js';
export { type InstantiateCall, instantiate } from './instantiate/instantiate.js';
export { Registry, type Target, type TargetEntry, type Targets } from './instantiate/registry.js';
export type { Argument, Resolver, ResolverCall } from './interpolation/evaluate.js';
export { nearest } from './nearest.js';
export { listOrigins, type OriginEntry, printOrigins } from './origin-listing.js';
export { type Override, parseOverride } from './override/parse.js';
export { placeOfValue } from './place-of-value.js';
export {
  checkSchema,
  compileSchema,
  type LoadedSchema,
  loadSchema,
  SchemaError,
  type Validator,
  type Violation,
} from './schema.js';
export { type CheckFacts, ownKeywords } from './schema-keywords.js';
export { loadSweeperTargets } from './sweep/create-sweeper.js';
export type { MakeSweeper, SweepContext } from './sweep/make-sweeper.js';
export { optimizationResults } from './sweep/optimization-results.js';
export { composeBatch, planSweep, type SweepJob, type SweepPlan } from './sweep/plan.js';
export type { Objective } from './sweep/settings.js';
export { type Dimension, pointTexts } from './sweep/space.js';
export type { JobOverrides, Sweeper } from './sweep/sweeper.js';
export { trackReads } from './track-reads.js';
export { toYaml } from './yaml/to-yaml.js';
