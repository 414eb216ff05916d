/**
 * Completion for bash. The script holds all words itself, so that the Tab key never waits for a program to start. It
 * keeps to bash 3.2, which macOS has.
 */
import type { CommandGrammar, Values } from './grammar.ts';
import { allCommands, nextRecipeWords, quoteForShell } from './words.ts';

/** The script. */
export function bashScript(root: CommandGrammar): string {
  const commands = allCommands(root);
  const options = commands.flatMap((command) => command.options.map((option) => ({ command, option })));
  const withValue = new Set(options.flatMap(({ option }) => (option.values ? option.forms : [])));
  const inner = commands.flatMap((command) => command.commands.map(({ path }) => quoteForShell(path)));

  const ofOptions = group(
    options.flatMap(({ command, option }) =>
      option.values
        ? option.forms.map((form) => [`${command.path}:${form}`, assign(option.values!)] as const)
        : [],
    ),
  );
  const ofFlags = commands.map(
    ({ path, options: own }) => [quoteForShell(path), words(own.flatMap(({ forms }) => forms))] as const,
  );
  const ofOperands = group(
    commands.flatMap((command) => {
      if (command.commands.length > 0)
        return [[command.path, words(command.commands.map(lastWord))] as const];
      const [first] = command.operands;
      return first ? [[command.path, assign(first.values)] as const] : [];
    }),
  );
  return `# bash completion of ${root.path}; made by: ${root.path} completion bash
_${root.path}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  # bash takes --option=value as three words.
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  # The command, and the words that are neither options nor their values.
  local command=${root.path} operands="" word i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in
      ${[...withValue].join('|')})
        i=$((i + 1))
        if [[ \${COMP_WORDS[i]} == "=" ]]; then i=$((i + 1)); fi
        continue ;;
      -*|=) continue ;;
    esac
    case "$command $word" in
      ${inner.join('|')}) command="$command $word" ;;
      *) operands="$operands\${operands:+ }$word" ;;
    esac
  done
  local words="" kind=words
  case "$command:$previous" in
${cases(ofOptions)}
    *)
      if [[ $current == -* ]]; then
        case "$command" in
${cases(ofFlags, '      ')}
        esac
      else
        case "$command" in
${cases(ofOperands, '      ')}
        esac
      fi ;;
  esac
  if [[ $kind == recipe ]]; then
    kind=words
    case "$operands" in
${cases(nextRecipeWords().map(([before, next]) => [quoteForShell(before), words(next)] as const))}
    esac
  fi
  COMPREPLY=()
  # Without an answer bash offers files.
  case $kind in
    anything) compopt +o default 2>/dev/null ;;
    folders)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$current") ;;
    words)
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$current") ;;
  esac
}
complete -o bashdefault -o default -F _${root.path} ${root.path}
`;
}

function assign(values: Values): string {
  return typeof values === 'string' ? `kind=${values}` : words(values);
}

function words(list: readonly string[]): string {
  return `words=${quoteForShell([...new Set(list)].join(' '))}`;
}

function lastWord({ path }: CommandGrammar): string {
  return path.slice(path.lastIndexOf(' ') + 1);
}

/** Patterns that do the same, together. */
function group(pairs: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const patterns = new Map<string, string[]>();
  for (const [pattern, action] of pairs) patterns.set(action, [...(patterns.get(action) ?? []), pattern]);
  return [...patterns].map(([action, list]) => [list.map(quoteForShell).join('|'), action]);
}

function cases(pairs: readonly (readonly [string, string])[], indent = ''): string {
  return pairs.map(([pattern, action]) => `${indent}    ${pattern}) ${action} ;;`).join('\n');
}
