import { basename, join } from 'node:path';
import { nearest } from '../../config/nearest.js';
import { SluiceError } from '../../errors.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { bashInstall, bashUninstall } from './bash.js';
import { fishInstall, fishUninstall } from './fish.js';
import { zshInstall, zshUninstall } from './zsh.js';

const scripts = {
  bash: { install: bashInstall, uninstall: bashUninstall },
  zsh: { install: zshInstall, uninstall: zshUninstall },
  fish: { install: fishInstall, uninstall: fishUninstall },
};
export type Shell = keyof typeof scripts;

/**
 * `./run -sc install=bash`: prints the script that makes a shell complete. `uninstall=bash` undoes it. `query=bash` is what
 * the script asks at each key press: candidates, one a line, and nothing else whatever is wrong.
 */
export async function completionCommand({ command, rest }: CommandLine, project: Project): Promise<number> {
  const [action, shell] = (command ?? '').split('=') as [string, string | undefined];
  const { stdout } = project;
  if (action === 'query') {
    const { queryCompletion } = await import('./query.js');
    const found = await queryCompletion(shell === 'bash', project).catch(() => []);
    if (found.length > 0) stdout.write(`${found.join('\n')}\n`);
    return 0;
  }
  if ((action !== 'install' && action !== 'uninstall') || rest.length > 0) {
    throw new SluiceError(
      'usage.completion',
      `--shell-completion takes install or uninstall, got ${[command, ...rest].join(' ') || 'nothing'}`,
      {
        hint: 'eval "$(./run -sc install=bash)"',
      },
    );
  }
  stdout.write(
    scripts[knownShell(shell ?? basename(project.env.SHELL ?? ''))][action](join(project.root, 'run')),
  );
  return 0;
}

function knownShell(name: string): Shell {
  if (Object.hasOwn(scripts, name)) return name as Shell;
  const names = Object.keys(scripts);
  const [close] = nearest(name, names);
  throw new SluiceError(
    'usage.completion',
    name === '' ? 'completion for which shell?' : `no completion for the shell ${name}`,
    {
      hint: close === undefined ? `shells: ${names.join(', ')}` : `did you mean ${close}?`,
    },
  );
}
