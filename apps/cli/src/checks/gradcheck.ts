/** `agrad gradcheck`: analytic against numerical gradients of every operation on the chosen backend. */
import { type GradientReport, gradientCases, runGradientCase, withoutGradient } from '@ag/graph/testing';
import { eventVersion } from '@ag/train';
import { chooseBackend } from '../backend.ts';
import type { GradcheckOptions } from '../commands/gradcheck.ts';
import { exitCodes, Failure } from '../failure.ts';
import { fromEnvironment, resolveSettings } from '../settings.ts';
import { didYouMean } from '../suggest.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';

/** Runs the command; answers the exit code. */
export async function gradcheck(options: GradcheckOptions, terminal: Terminal): Promise<number> {
  const names = [...new Set(gradientCases.map((one) => one.operation))];
  const { positional: operations, tolerance, settings } = options;
  for (const name of operations) {
    if (names.includes(name)) continue;
    const why = Object.hasOwn(withoutGradient, name) ? withoutGradient[name] : undefined;
    throw new Failure(
      'usage',
      why ? `'${name}' has no gradient: it gives ${why}` : `there is no operation '${name}'`,
      why ? undefined : didYouMean(name, names, 'Operations'),
    );
  }
  const { values } = resolveSettings({ flag: settings, environment: fromEnvironment(process.env) });
  const backend = await chooseBackend(values, terminal);
  try {
    const chosen = gradientCases.filter(
      (one) => operations.length === 0 || operations.includes(one.operation),
    );
    const reports = chosen.map((one) => runGradientCase(one, tolerance === undefined ? {} : { tolerance }));
    const failed = reports.filter((report) => !report.passed);
    const rows = [...new Set(reports.map((report) => report.operation))].map((operation) =>
      rowOf(
        operation,
        reports.filter((report) => report.operation === operation),
      ),
    );
    terminal.print(...table(['operation', 'cases', 'first', 'second', 'third', 'result'], rows), '');
    for (const report of failed) {
      terminal.note(terminal.err.red(`${report.operation}, ${report.variant}: ${report.message}`));
    }
    terminal.print(
      `${reports.length - failed.length} of ${reports.length} cases of ${rows.length} operations pass on '${backend.name}'; columns: largest relative error of each derivative`,
    );
    terminal.event({
      v: eventVersion,
      type: 'result',
      command: 'gradcheck',
      backend: backend.name,
      cases: reports.length,
      failed: failed.length,
      reports,
    });
    return failed.length === 0 ? exitCodes.done : exitCodes.check;
  } finally {
    backend.close();
  }
}

function rowOf(operation: string, reports: readonly GradientReport[]): string[] {
  const worst = (order: number): string => {
    const errors = reports.flatMap((report) =>
      report.errors[order] === undefined ? [] : [report.errors[order]],
    );
    return errors.length === 0 ? '–' : Math.max(...errors).toExponential(1);
  };
  const failed = reports.filter((report) => !report.passed).length;
  return [
    operation,
    String(reports.length),
    worst(0),
    worst(1),
    worst(2),
    failed === 0 ? 'ok' : `${failed} FAILED`,
  ];
}
