/** What programs of the code lab find besides the packages, as declarations for the language service. */

export const environment = `
/** Shows values under this line: numbers and texts, tensors, networks, graphs, pictures (SVG as text). */
declare function show(...values: unknown[]): void;

interface LabProcess {
  /** The third is the name of a picture, which a program that is given one draws. */
  readonly argv: string[];
  readonly env: Record<string, string | undefined>;
  readonly stdout: { write(text: string): void };
  readonly stderr: { write(text: string): void };
  exit(code?: number): never;
}
declare const process: LabProcess;

declare module 'node:fs' {
  export function existsSync(path: string): boolean;
  export function readFileSync(path: string): Uint8Array<ArrayBuffer>;
  export function readFileSync(path: string, encoding: 'utf8'): string;
  /** The file stays in memory; a picture (.svg) is shown under this line. */
  export function writeFileSync(path: string, content: string | Uint8Array): void;
  export function appendFileSync(path: string, content: string | Uint8Array): void;
  export function mkdirSync(path: string, options?: { recursive?: boolean }): void;
  export function mkdtempSync(prefix: string): string;
  export function readdirSync(path: string): string[];
  export function rmSync(path: string, options?: { recursive?: boolean; force?: boolean }): void;
}
declare module 'node:path' {
  export function join(...parts: string[]): string;
  export function basename(path: string): string;
  export function dirname(path: string): string;
  export function extname(path: string): string;
}
declare module 'node:os' {
  export function tmpdir(): string;
  export function hostname(): string;
}
`;
