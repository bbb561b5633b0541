import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild';

/** Lazy imports on the way of what only prints. Every other one is cut off: who gets there goes the ordinary way. */
const ON_THE_WAY = /\/(stage-command|config-resolvers|origin-listing|info|help-template|hydra-help)\.js$/;

const cutOff: Plugin = {
  name: 'cut off what a printed config does not need',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'dynamic-import' && !ON_THE_WAY.test(path) ? { path, external: true } : undefined,
    );
  },
};

/** Makes `quick.cjs` of `src/cli/quick.js` and what it needs, both in the folder of the compiled program. */
export function bundleQuick(
  dist: string,
  options: BuildOptions = {},
): Promise<BuildResult<{ metafile: true }>> {
  return build({
    entryPoints: [`${dist}src/cli/quick.js`],
    outfile: `${dist}quick.cjs`,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    plugins: [cutOff],
    logLevel: 'warning',
    ...options,
    metafile: true,
  });
}
