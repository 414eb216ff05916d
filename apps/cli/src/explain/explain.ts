/** `agrad explain`: what a code means, without a network. */
import { eventVersion } from '@ag/train';
import type { ExplainOptions } from '../commands/explain.ts';
import { exitCodes, Failure } from '../failure.ts';
import { nearest } from '../suggest.ts';
import type { Terminal } from '../terminal.ts';
import { explanations, warningCodes } from './codes.ts';
import { examples } from './examples.ts';

/** Runs the command; answers the exit code. */
export async function explain(options: ExplainOptions, terminal: Terminal): Promise<number> {
  const [given] = options.positional;
  const codes = Object.keys(explanations);
  if (given === undefined) {
    const width = Math.max(...codes.map((code) => code.length));
    terminal.print(...codes.map((code) => `${code.padEnd(width)}  ${explanations[code].means}`));
    terminal.event({ v: eventVersion, type: 'result', codes: explanations });
    return exitCodes.done;
  }
  const code = codes.find((one) => one === codeOf(given));
  if (code === undefined) {
    const near = nearest(codeOf(given), codes);
    throw new Failure(
      'usage',
      `there is no code '${given}'`,
      near === undefined ? "'agrad explain' lists all." : `Did you mean ${near}? 'agrad explain' lists all.`,
    );
  }
  const { means, cause, cure } = explanations[code];
  const example = examples[code as keyof typeof examples];
  terminal.print(
    `${code} (${code in warningCodes ? 'warning' : 'error'})`,
    '',
    means,
    '',
    `Usual cause: ${cause}`,
    `Cure: ${cure}`,
    '',
    ...example.split('\n').map((line) => `  ${line}`),
  );
  terminal.event({ v: eventVersion, type: 'result', code, ...explanations[code], example });
  return exitCodes.done;
}

/** As it is copied from a terminal: in brackets, in small letters, or without its beginning. */
export function codeOf(given: string): string {
  const plain = given.replace(/[^A-Za-z_]/g, '').toUpperCase();
  return plain.startsWith('AG_') ? plain : `AG_${plain}`;
}
