import { quoted } from './quoted.js';

/** Works from bash 3.2 on; there without aliases, and without a space after a finished word. */
export const bashInstall = (
  run: string,
): string => `# Completion of Sluice's commands. To have it in every shell, put this line in ~/.bashrc:
#   eval "$(${quoted(run)} -sc install=bash)"
_sluice_run=${quoted(run)}
_sluice_before=$(complete -p run 2>/dev/null | grep -v _sluice_complete)

_sluice_complete() {
  local program=\${1-} line=$COMP_LINE point=$COMP_POINT alias candidate
  if [ "\${BASH_VERSINFO[0]}" -ge 4 ] && [ -n "$program" ] && alias=\${BASH_ALIASES[$program]-} && [ -n "$alias" ]; then
    line=$alias\${line#"$program"}
    point=$((point + \${#alias} - \${#program}))
    program=\${alias%% *}
  fi
  program=\${program/#\\~\\//$HOME/}
  [[ $program == */* ]] || program=$(type -P -- "$program")
  if [ -z "$program" ] || [ "$program" -ef "$_sluice_run" ]; then
    program=$_sluice_run
  elif ! grep -qs '"name": "sluice"' "\${program%/*}/package.json"; then
    return # another program of that name; it is not to be started by a key press
  fi
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("$candidate")
  done < <(COMP_LINE=$line COMP_POINT=$point COMP_BREAKS=$COMP_WORDBREAKS "$program" -sc query=bash 2>/dev/null </dev/null)
  # A finished word is followed by a space; a key or folder goes on.
  if [ "\${#COMPREPLY[@]}" -eq 1 ]; then
    case \${COMPREPLY[0]} in
      *[=./@] | *[[\\(]*) ;;
      *) compopt +o nospace 2>/dev/null ;;
    esac
  fi
}

_sluice_register() {
  local name
  complete -o nospace -o default -F _sluice_complete run
  [ "\${BASH_VERSINFO[0]}" -ge 4 ] || return 0
  for name in "\${!BASH_ALIASES[@]}"; do
    [ "\${BASH_ALIASES[$name]%% *}" -ef "$_sluice_run" ] && complete -o nospace -o default -F _sluice_complete "$name"
  done
  return 0
}
_sluice_register
`;

export const bashUninstall = (): string => `complete -p 2>/dev/null | grep -q _sluice_complete &&
  for _sluice_name in $(complete -p | sed -n 's/.*-F _sluice_complete //p'); do complete -r "$_sluice_name"; done
[ -n "\${_sluice_before-}" ] && eval "$_sluice_before"
unset -f _sluice_complete _sluice_register
unset _sluice_run _sluice_before _sluice_name
`;
