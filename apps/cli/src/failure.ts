/** Errors as exit codes, messages and advice. Only errors of the program itself show where in the code they happened. */
import { blameOf, isProgramError, lineOfModule } from './recipes/blame.ts';

/** What the exit codes mean; documented in docs/exit-codes-and-events.md. */
export const exitCodes = {
  done: 0,
  internal: 1,
  usage: 2,
  configuration: 3,
  data: 4,
  numerical: 5,
  check: 6,
  incompatible: 7,
  backend: 8,
  inUse: 9,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** The name of an exit code. */
export type FailureKind = Exclude<keyof typeof exitCodes, 'done'>;

/** An error that the user can do something about. */
export class Failure extends Error {
  readonly kind: FailureKind;
  /** What to do, one sentence or more. */
  readonly hint: string | undefined;

  constructor(kind: FailureKind, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Failure';
    this.kind = kind;
    this.hint = hint;
  }
}

/** Modules of the user's own that take part: what goes wrong without a name of its own is a mistake there. */
const usersCode = new Set<string>();

/** Says that a module of the user's own takes part from now on. */
export function usesCode(path: string): void {
  usersCode.add(path);
}

/** A new command: what took part in an earlier one of this process has nothing to do with it. */
export function forgetCode(): void {
  usersCode.clear();
}

/** What to tell the user. */
export interface FailureReport {
  readonly kind: FailureKind;
  readonly exitCode: number;
  readonly message: string;
  readonly hint: string | undefined;
  /** For errors of the program itself. */
  readonly stack: string | undefined;
}

/** Sorts any error. Errors of the packages are known by their names, so that none has to be loaded for this. */
export function describeFailure(error: unknown): FailureReport {
  const report = (kind: FailureKind, message: string, hint?: string, stack?: string): FailureReport => ({
    kind,
    exitCode: exitCodes[kind],
    message,
    hint,
    stack,
  });
  if (error instanceof Failure) return report(error.kind, error.message, error.hint);
  const at = blameOf(error)?.place;
  const where = at ? `at ${at}` : undefined;
  if (!(error instanceof Error)) return report('internal', String(error));
  const { code } = error as { code?: unknown };
  if (error.name === 'DataError')
    return report(code === 'AG_DATA_OPTION' ? 'configuration' : 'data', error.message, where);
  if (error.name === 'AnomalyError') return report('numerical', error.message);
  if (error.name === 'TrainingError') {
    const kinds: Record<string, FailureKind> = {
      AG_NON_FINITE_LOSS: 'numerical',
      AG_CHECKPOINT: 'incompatible',
      AG_RECEIPT: 'incompatible',
      AG_TRAINING_OPTION: 'configuration',
    };
    return report(kinds[String(code)] ?? 'internal', error.message, where);
  }
  if (typeof code === 'string' && Object.hasOwn(fileProblems, code)) {
    const path = (error as { path?: string }).path;
    return report('configuration', `${path ?? 'a file'}: ${fileProblems[code]}`, `(${error.message})`);
  }
  const said = blameOf(error);
  const module = said?.module ?? [...usersCode].at(-1);
  if (module !== undefined && (said || !isProgramError(error))) {
    const place = said ? said.place : lineOfModule(error, module);
    const hint = place === null ? undefined : `at ${place}`;
    return report('configuration', `${module}: ${error.message || error.name}`, hint, error.stack);
  }
  return report('internal', error.message || error.name, 'This is a bug in agrad.', error.stack);
}

/** What the operating system's codes say. */
const fileProblems: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'is a folder, a file was expected',
  EEXIST: 'exists already',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many open files',
  ELOOP: 'is a link that leads nowhere but to itself',
  EFBIG: 'the file would be larger than it may be',
  EIO: 'the device cannot be read or written',
};
