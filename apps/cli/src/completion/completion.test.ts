/** The scripts in the shells they are for: what the Tab key makes of a line. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inProcess, lastEvent, scratchFolder } from '../testTools.ts';

const scratch = scratchFolder();
mkdirSync(join(scratch, 'runs-of-mine'));
writeFileSync(join(scratch, 'settings.json'), '{}');
writeFileSync(join(scratch, 'model.ts'), '');

const works = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
const scriptOf = async (shell: string): Promise<string> => {
  const path = join(scratch, `agrad.${shell}`);
  writeFileSync(path, (await inProcess('completion', shell)).stdout);
  return path;
};

describe('agrad completion', () => {
  it('writes a script, or says which shells there are', async () => {
    expect(lastEvent(await inProcess('completion', 'bash', '--json'))).toMatchObject({
      command: 'completion',
      shell: 'bash',
      script: expect.stringContaining('complete '),
    });
    expect(await inProcess('completion', 'fish')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/bash, zsh/),
    });
  });
});

describe.skipIf(!works('bash'))(`in bash${works('bash') ? '' : ' (not installed)'}`, () => {
  /** The words bash offers; the last of the words given is the one under the cursor. */
  const offered = (script: string, ...words: readonly string[]): string[] => {
    const ask = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _agrad 2>/dev/null
      printf "%s\\n" "\${COMPREPLY[@]}"`;
    const answer = execFileSync('bash', ['--norc', '-c', ask, script, ...words], {
      cwd: scratch,
      encoding: 'utf8',
    });
    return answer.split('\n').filter((line) => line !== '');
  };

  it('offers commands, flags, names and folders', async () => {
    const script = await scriptOf('bash');
    const after = (...words: readonly string[]) => offered(script, 'agrad', ...words);
    expect(after('tr')).toEqual(['train']);
    expect(after('')).toEqual(
      expect.arrayContaining(['train', 'eval', 'data', 'sweep', 'completion', 'help']),
    );
    expect(after('data', 'i')).toEqual(['info']);
    expect(after('data', 'info', 'bo')).toEqual(['boston']);
    expect(after('train', '--checkp')).toEqual(['--checkpoint-every']);
    expect(after('train', '--optimizer', 'adam')).toEqual(['adam', 'adamw', 'adamax']);
    expect(after('train', '--optimizer', '=', 'rms')).toEqual(['rmsprop']);
    expect(after('train', '--optimizer', '=')).toContain('sgd');
    expect(after('train', '--resume', 'ru')).toEqual(['runs-of-mine']);
    expect(after('train', '--epochs', '')).toEqual([]);
    expect(after('gradcheck', 'matm')).toEqual(['matmul']);
    expect(after('help', 'conv')).toEqual(['convert']);
    expect(after('completion', '')).toEqual(['bash', 'zsh']);
  });

  it('knows recipes of two words, and passes over options on the way', async () => {
    const script = await scriptOf('bash');
    const after = (...words: readonly string[]) => offered(script, 'agrad', ...words);
    expect(after('train', 'mni')).toEqual(['mnist']);
    expect(after('train', '--seed', '3', 'mnist', 'ml')).toEqual(['mlp']);
    expect(after('train', '--epochs', '=', '3', 'mnist', 'c')).toEqual(['cnn']);
    expect(after('train', 'xor', '')).toEqual([]);
    expect(after('eval', 'run', '--recipe', 'mnist-m')).toEqual(['mnist-mlp']);
  });
});

describe.skipIf(!works('zsh'))(`in zsh${works('zsh') ? '' : ' (not installed)'}`, () => {
  it('completes what is typed', async () => {
    const script = await scriptOf('zsh');
    // A shell in a terminal of its own: Tab completes, then prints the line between marks.
    writeFileSync(
      join(scratch, '.zshrc'),
      `PS1=; stty -echo; autoload -Uz compinit; compinit -D -u; source ${script}
       answer() { zle expand-or-complete; print -r -- "<<$BUFFER>>"; BUFFER=; zle redisplay }
       zle -N answer; bindkey '^I' answer`,
    );
    const typed: readonly (readonly [string, string])[] = [
      ['agrad tr', 'agrad train '],
      ['agrad data info bos', 'agrad data info boston '],
      ['agrad train --optimizer rms', 'agrad train --optimizer rmsprop '],
      ['agrad train --optimizer=rms', 'agrad train --optimizer=rmsprop '],
      ['agrad train --config sett', 'agrad train --config settings.json '],
      ['agrad train --resume ru', 'agrad train --resume runs-of-mine/'],
      ['agrad train di', 'agrad train digits '],
      ['agrad train mod', 'agrad train model.ts '],
      ['agrad train --seed 3 mnist ml', 'agrad train --seed 3 mnist mlp '],
      ['agrad completion z', 'agrad completion zsh '],
    ];
    const type = `zmodload zsh/zpty; zpty shell "zsh -i"
      for line in "$@"; do
        zpty -w -n shell "$line"$'\\t'; zpty -m -r shell seen '*<<*>>*'; print -r -- "\${\${seen##*<<}%%>>*}"
      done; zpty -d shell`;
    const answers = execFileSync('zsh', ['-f', '-c', type, 'zsh', ...typed.map(([line]) => line)], {
      cwd: scratch,
      encoding: 'utf8',
      env: { ...process.env, ZDOTDIR: scratch, TERM: 'xterm' },
      timeout: 60_000,
    });
    expect(answers.split('\n').slice(0, -1)).toEqual(typed.map(([, line]) => line));
  });
});
