/** Completion for zsh, with the descriptions of commands and options. The script holds all words itself. */
import type { CommandGrammar, OptionGrammar, Values } from './grammar.ts';
import { allCommands, nextRecipeWords, quoteForShell } from './words.ts';

/** The script; to be sourced, or put into a folder of `fpath` as `_agrad`. */
export function zshScript(root: CommandGrammar): string {
  return `#compdef ${root.path}
# zsh completion of ${root.path}; made by: ${root.path} completion zsh

# Names of recipes have one word or two; instead of a name there may be a file. The word under the cursor is the last
# of $line.
_${root.path}_recipe() {
  case "\${(j: :)line[1,-2]}" in
${nextRecipeWords().map(recipeCase).join('\n')}
  esac
}

${allCommands(root).map(commandFunction).reverse().join('\n')}
# Called by completion itself, or sourced.
if [[ \${funcstack[1]} == _${root.path} ]]; then
  _${root.path} "$@"
else
  compdef _${root.path} ${root.path}
fi
`;
}

function recipeCase([before, next]: readonly [string, readonly string[]]): string {
  const names = next.join(' ');
  const answer =
    before === '' ? `_alternative 'recipes:recipe:(${names})' 'files:file:_files'` : `compadd -- ${names}`;
  return `    ${quoteForShell(before)}) ${answer} ;;`;
}

function commandFunction(command: CommandGrammar): string {
  const name = functionName(command);
  const options = command.options.map(optionSpec);
  if (command.commands.length === 0) {
    const operands = command.operands.map(
      ({ values, many }, i) =>
        `${many ? '*' : i + 1}:${describe(command.operands[i].values)}:${action(values)}`,
    );
    const specs = [...options, ...operands.map(quoteForShell)];
    return `${name}() {\n  local line\n  _arguments -S \\\n    ${specs.join(' \\\n    ')}\n}\n`;
  }
  const commands = command.commands.map((inner) =>
    quoteForShell(`${lastWord(inner)}:${inner.help.replaceAll(':', '\\:')}`),
  );
  return `${name}() {
  local curcontext="$curcontext" state line
  local -a commands=(
    ${commands.join('\n    ')}
  )
  _arguments -C \\
    ${[...options, "'1: :->command'", "'*:: :->rest'"].join(' \\\n    ')}
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $line[1] in
${command.commands.map((inner) => `        ${lastWord(inner)}) ${functionName(inner)} ;;`).join('\n')}
      esac ;;
  esac
}
`;
}

/** An option as `_arguments` reads it. */
function optionSpec({ forms, help, values, repeatable }: OptionGrammar): string {
  const text = `[${help.replaceAll(/[[\]\\]/g, '\\$&')}]`;
  const value = values === null ? '' : `:${describe(values)}:${action(values)}`;
  if (repeatable) return quoteForShell(`*${forms.at(-1)}=${text}${value}`);
  if (forms.length === 1) return quoteForShell(`${forms[0]}${values === null ? '' : '='}${text}${value}`);
  return `${quoteForShell(`(${forms.join(' ')})`)}{${forms.join(',')}}${quoteForShell(text + value)}`;
}

function action(values: Values): string {
  switch (values) {
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'recipe':
      return '_agrad_recipe';
    case 'anything':
      return '';
    default:
      return `(${values.join(' ')})`;
  }
}

function describe(values: Values): string {
  return typeof values === 'string' ? (values === 'anything' ? 'value' : values.replace(/s$/, '')) : 'name';
}

function functionName({ path }: CommandGrammar): string {
  return `_${path.replaceAll(' ', '_')}`;
}

function lastWord({ path }: CommandGrammar): string {
  return path.slice(path.lastIndexOf(' ') + 1);
}
