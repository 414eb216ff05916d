/** The command line of `agrad completion`. */
import { defineCommand, type OptionsFor } from '../command.ts';

export const completionCommand = defineCommand({
  usage: 'completion <shell>',
  summary: 'print a completion script for bash or zsh',
  examples: [
    'source <(agrad completion bash)          # in ~/.bashrc',
    'source <(agrad completion zsh)           # in ~/.zshrc, after compinit',
    'agrad completion zsh > ~/.zfunc/_agrad   # or once, into a folder of fpath',
  ],
  choices: { shell: ['bash', 'zsh'] },
});

export type CompletionOptions = OptionsFor<typeof completionCommand>;
