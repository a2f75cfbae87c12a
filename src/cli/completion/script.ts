import { type Run, UsageError } from '../command.ts'

/** Each asks the program itself what may come next: the words so far, the last one begun; answered by a candidate per line, a tab and what it is, and last a line `:4`, or `:0` where files may stand. */
const SCRIPTS: Readonly<Record<string, (program: string) => string>> = {
  bash: (program) => `_sofakafka() {
  local line words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default ;;
      :*) ;;
      *) [[ \${line%%$'\\t'*} == "\${COMP_WORDS[COMP_CWORD]}"* ]] && COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(${program} __complete "\${words[@]}" 2>/dev/null)
}
complete -F _sofakafka ${program}
`,
  zsh: (program) => `#compdef ${program}
_sofakafka() {
  local line files=0
  local -a found
  while IFS= read -r line; do
    case $line in
      :0) files=1 ;;
      :*) ;;
      *) found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <(${program} __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( files )) && _files || _describe '${program}' found
}
compdef _sofakafka ${program}
`,
  fish: (program) => `function __sofakafka
  set -l words (commandline -opc) (commandline -ct)
  ${program} __complete $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c ${program} -a '(__sofakafka)'
`,
}

export const run: Run = async (call, { io }) => {
  const shell = call.needed(0)
  const script = SCRIPTS[shell]
  if (!script) throw new UsageError(`there is no completion for ${shell}; write one of ${Object.keys(SCRIPTS).join(', ')}`)
  await io.out(script('sofakafka'))
}
