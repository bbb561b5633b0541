import { quoted } from './quoted.js';

export const zshInstall = (
  run: string,
): string => `# Completion of Sluice's commands. To have it in every shell, put this line in ~/.zshrc:
#   eval "$(${quoted(run)} -sc install=zsh)"
_sluice_run=${quoted(run)}

_sluice_complete() {
  local program=\${~words[1]}
  local -a found
  [[ $program == */* ]] || program=\${commands[$program]:-$_sluice_run}
  if [[ $program -ef $_sluice_run ]]; then
    program=$_sluice_run
  elif ! grep -qs '"name": "sluice"' "\${program:h}/package.json"; then
    _default # another program of that name; it is not to be started by a key press
    return
  fi
  found=("\${(@f)$(COMP_LINE="\${(j: :)words[1,CURRENT-1]} $QIPREFIX$PREFIX" COMP_POINT= "$program" -sc query=zsh 2>/dev/null </dev/null)}")
  # A finished word is followed by a space; a key or folder goes on.
  local -a going=("\${(@M)found:#*([=./@]|[[(]*)}") finished=("\${(@)found:#(|*([=./@]|[[(]*))}")
  (( $#going )) && compadd -S '' -- "\${(@)going}"
  (( $#finished )) && compadd -- "\${(@)finished}"
}

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -u }
compdef _sluice_complete run
`;

export const zshUninstall = (): string => `compdef -d run
unfunction _sluice_complete
unset _sluice_run
`;
