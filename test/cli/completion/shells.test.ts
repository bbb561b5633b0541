import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { bashInstall, bashUninstall } from '../../../src/cli/completion/bash.js';
import { fishInstall, fishUninstall } from '../../../src/cli/completion/fish.js';
import { zshInstall, zshUninstall } from '../../../src/cli/completion/zsh.js';

// In place of `./run`: answers with what it was asked. The real one is asked in complete-word.test.ts.
const program = `#!/bin/sh
echo "$(basename "$(dirname "$0")"): $* <$COMP_LINE>"
`;

/** How a shell is made to complete a line after some lines of set-up; prints the candidates. */
interface ShellRow {
  install(run: string): string;
  uninstall(): string;
  argv: string[];
  complete(line: string): string;
  /** Prints whether anything is left of the completion. */
  leftOver: string;
}

const shells: Record<string, ShellRow> = {
  bash: {
    install: bashInstall,
    uninstall: bashUninstall,
    argv: ['--norc', '-c'],
    complete: (line) =>
      `COMP_LINE=${shellWord(line)}; COMP_POINT=\${#COMP_LINE}; _sluice_complete "\${COMP_LINE%% *}"; ` +
      `printf '%s\\n' "\${COMPREPLY[@]}"`,
    leftOver: 'complete -p; declare -F; set | grep ^_sluice_',
  },
  zsh: {
    install: zshInstall,
    uninstall: zshUninstall,
    argv: ['-f', '-c'],
    // Outside of its line editor zsh has no completion going on, only the function.
    complete: (line) =>
      `_default() {}; compadd() { while [[ $1 != -- ]] { shift }; shift; print -rl -- "$@" }; words=(${line}); CURRENT=$#words; ` +
      'PREFIX=$words[-1]; QIPREFIX=; _sluice_complete',
    leftOver: 'print -r $_comps[run]; print -rl ${(k)functions[(I)*sluice*]} ${(k)parameters[(I)*sluice*]}',
  },
  fish: {
    install: fishInstall,
    uninstall: fishUninstall,
    argv: ['--no-config', '-c'],
    complete: (line) => `complete -C ${shellWord(line)}`,
    leftOver: 'complete -c run; functions -a | string match "*sluice*"; set -gn | string match "*sluice*"',
  },
};

for (const [shell, { install, uninstall, argv, complete, leftOver }] of Object.entries(shells)) {
  const missing = spawnSync(shell, ['--version']).error !== undefined;
  (missing ? describe.skip : describe)(
    `completion in ${shell}${missing ? ` (there is no ${shell} here)` : ''}`,
    () => {
      let root: string;
      before(() => {
        // A blank in the path: it must be quoted wherever it stands.
        root = mkdtempSync(join(tmpdir(), 'sluice shell-'));
        for (const [folder, name] of [
          ['ours', 'sluice'],
          ['copy', 'sluice'],
          ['foreign', 'else'],
        ] as const) {
          mkdirSync(join(root, folder));
          writeFileSync(join(root, folder, 'run'), program, { mode: 0o755 });
          writeFileSync(join(root, folder, 'package.json'), `{ "name": "${name}" }`);
        }
      });
      after(() => rmSync(root, { recursive: true }));

      function run(lines: string[], cwd = 'ours'): string {
        const script = [install(join(root, 'ours', 'run')), ...lines].join('\n');
        const { stdout, stderr } = spawnSync(shell, [...argv, script], {
          cwd: join(root, cwd),
          encoding: 'utf8',
          env: { PATH: process.env.PATH, HOME: root, TERM: 'dumb' },
        });
        expect(stderr).to.equal('');
        return stdout;
      }
      const answered = (folder: string, line: string) => `${folder}: -sc query=${shell} <${line}>`;

      it('asks ./run with the line so far', () => {
        expect(run([complete('./run pretrain mod')])).to.contain(answered('ours', './run pretrain mod'));
      });

      it('asks the run of another copy of Sluice where that is on the line', () => {
        expect(run([complete('../copy/run pretrain mod')])).to.contain(
          answered('copy', '../copy/run pretrain mod'),
        );
      });

      it('starts no other program that is called run', () => {
        expect(run([complete('./run pretrain mod')], 'foreign')).to.not.contain('query');
      });

      // zsh and fish put an alias's text into the line themselves.
      if (shell === 'bash') {
        it('puts the text of an alias into the line', () => {
          const out = run(["alias s1='./run stage_1'", complete('s1 mod')]);
          expect(out).to.contain(answered('ours', './run stage_1 mod'));
        });
      }

      it('leaves nothing behind when it is uninstalled', () => {
        expect(run([uninstall(), leftOver]).trim()).to.equal('');
      });
    },
  );
}

describe('completion in bash', () => {
  const bash = (script: string) => spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' }).stdout;

  it('completes the aliases of run, and gives an earlier rule back', () => {
    const out = bash(`complete -W 'a b' run
alias sl=${process.execPath}
${bashInstall(process.execPath)}
complete -p sl
${bashUninstall()}
complete -p`);
    expect(out).to.match(/^complete .*-F _sluice_complete sl\ncomplete -W 'a b' run\n$/);
  });
});

function shellWord(text: string): string {
  return `'${text}'`;
}
