import { quoted } from './quoted.js';

export const fishInstall = (
  run: string,
): string => `# Completion of Sluice's commands. To have it in every shell:
#   ${quoted(run)} -sc install=fish >~/.config/fish/completions/run.fish
set -g __sluice_run ${quoted(run)}

function __sluice_complete
    set -l line (commandline -cp)
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    string match -q '*/*' -- $program; or set program (command -s -- $program)
    if test -z "$program"; or test (realpath -- $program 2>/dev/null) = (realpath -- $__sluice_run)
        set program $__sluice_run
    else if not grep -qs '"name": "sluice"' (dirname -- $program)/package.json
        __fish_complete_path (commandline -ct) # another program of that name; it is not to be started by a key press
        return
    end
    COMP_LINE="$line" COMP_POINT= $program -sc query=fish 2>/dev/null </dev/null
end

complete -c run -f -a '(__sluice_complete)'
`;

export const fishUninstall = (): string => `complete -e -c run
functions -e __sluice_complete
set -e __sluice_run
`;
