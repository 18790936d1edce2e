/** What a shell runs to complete: it asks the command line itself, so that it never lags behind it. */

const bash = `# bash completion of gatebook; load it with: source <(gatebook completion bash)
_gatebook() {
  local line="\${COMP_LINE:0:COMP_POINT}" word
  local -a words=()
  read -ra words <<<"$line"
  case "$line" in *[[:space:]]) words+=('') ;; esac
  local current="\${words[\${#words[@]} - 1]}"
  # Readline begins a word anew behind a colon: what stands before it is there already.
  local typed="\${current%"\${current##*:}"}"
  COMPREPLY=()
  while IFS= read -r word; do
    COMPREPLY+=("\${word#"$typed"}")
  done < <("$1" completion words -- "\${words[@]:1}" 2>/dev/null </dev/null)
}
complete -o default -F _gatebook gatebook
`;

const zsh = `#compdef gatebook
# zsh completion of gatebook; load it with: source <(gatebook completion zsh)
_gatebook() {
  local -a found
  found=(\${(f)"$("\${words[1]}" completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)"})
  if (( \${#found} )); then
    compadd -a found
  else
    _files
  fi
}
(( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit -D }
compdef _gatebook gatebook
`;

const fish = `# fish completion of gatebook; load it with: gatebook completion fish | source
function __gatebook_words
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] completion words -- $words[2..-1] "$current" 2>/dev/null </dev/null
end
complete -c gatebook -f -a '(__gatebook_words)'
complete -c gatebook -F -n '__fish_seen_subcommand_from apply verify verify-report import restore'
`;

export const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };
