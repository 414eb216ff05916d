/**
 * The full-screen view of a run: `agrad train --ui tui`. Draws what it hears, turns keys into commands, and leaves the
 * terminal as it found it, however the program ends.
 */
import { emitKeypressEvents, type Key } from 'node:readline';
import ansi from 'ansi-escapes';
import { Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';
import { terminalText } from '../text.ts';
import type { Display } from '../training/display.ts';
import type { Controls } from './controls.ts';
import { createFrame } from './frame.ts';

/** Milliseconds between two drawings. */
const pace = 100;
/** Lines that are too long end at the border instead of breaking. */
const noWrap = '\u001b[?7l';
const wrap = '\u001b[?7h';

/** @throws Failure `usage` where there is no terminal to draw on and to read keys from */
export function checkTerminal(json: boolean): void {
  const { stdin, stdout, stderr, env } = process;
  const missing = !stdin.isTTY
    ? 'input is not a terminal'
    : !stderr.isTTY
      ? 'error output is not a terminal'
      : env.TERM === 'dumb'
        ? 'terminal cannot move its cursor (TERM is dumb)'
        : json && stdout.isTTY
          ? 'view and the events of --json would be on the same screen'
          : null;
  if (missing === null) return;
  throw new Failure('usage', `--ui tui: the ${missing}`, 'Leave out the flag to get progress line by line.');
}

/** What the view is of. */
export interface LiveViewOptions {
  readonly name: string;
  readonly epochs: number;
  readonly controls: Controls;
  readonly terminal: Terminal;
}

/** Takes the terminal until `clear`. */
export function openLiveView({ name, epochs, controls, terminal }: LiveViewOptions): Display {
  const { stdin, stderr } = process;
  const frame = createFrame(name, epochs);
  const notes: string[] = [];
  let open = false;
  let drawn = Number.NEGATIVE_INFINITY;
  let note = '';
  let pausedSince: number | null = null;
  let pausedSeconds = 0;

  const draw = (): void => {
    if (!open) return;
    drawn = performance.now();
    const lines = frame.draw({
      columns: stderr.columns ?? 80,
      rows: stderr.rows ?? 24,
      colors: terminal.err,
      paused: controls.paused,
      rateFactor: controls.rateFactor,
      pausedSeconds,
      note,
    });
    stderr.write(
      `${ansi.cursorTo(0, 0)}${lines.map((line) => `${terminalText(line)}${ansi.eraseEndLine}`).join('\r\n')}${ansi.eraseDown}`,
    );
  };
  const redraw = (): void => {
    if (open) stderr.write(ansi.eraseScreen);
    draw();
  };
  const onKey = (_: string | undefined, key: Key): void => {
    note = '';
    if (key.ctrl && key.name === 'c') process.kill(process.pid, 'SIGINT');
    else if (key.ctrl && key.name === 'z') suspend();
    else
      switch (key.name) {
        case 'p':
        case 'space':
          controls.pause();
          break;
        case 's':
          controls.step();
          break;
        case 'r':
          controls.lowerRate();
          note = `learning rate from now on: schedule × ${controls.rateFactor}`;
          break;
        case 'c':
          controls.save();
          note = 'writing a checkpoint after this step';
          break;
        case 'q':
          note = 'quitting: finishing the step and writing a checkpoint';
          process.kill(process.pid, 'SIGINT');
      }
    draw();
  };
  const endPause = (): void => {
    if (pausedSince !== null) pausedSeconds += (performance.now() - pausedSince) / 1000;
    pausedSince = null;
  };
  const enter = (): void => {
    open = true;
    stdin.setRawMode(true);
    emitKeypressEvents(stdin);
    stdin.on('keypress', onKey).resume();
    stderr.write(`${ansi.enterAlternativeScreen}${noWrap}${ansi.cursorHide}${ansi.eraseScreen}`);
    draw();
  };
  const leave = (): void => {
    if (!open) return;
    open = false;
    stdin.off('keypress', onKey).pause();
    stdin.setRawMode(false);
    stderr.write(`${ansi.cursorShow}${wrap}${ansi.exitAlternativeScreen}`);
  };
  const suspend = (): void => {
    leave();
    process.once('SIGCONT', enter);
    process.kill(process.pid, 'SIGTSTP');
  };

  controls.watcher = {
    paused(event) {
      endPause();
      pausedSince = performance.now();
      frame.hear(event);
      draw();
    },
    saved(path) {
      note = `checkpoint: ${path}`;
      draw();
    },
  };
  // Whatever ends the program passes here; the other ways out end it at once.
  process.on('exit', leave);
  stderr.on('resize', redraw);
  const clock = setInterval(draw, 1000);
  enter();
  return {
    show(event) {
      // An event arrives here when the pause that followed it is over.
      endPause();
      if (event.type === 'warning' || event.type === 'anomaly') {
        notes.push(terminal.err.yellow(`${event.type}: ${event.message}`));
      }
      frame.hear(event);
      if (performance.now() - drawn >= pace || event.type === 'end') draw();
    },
    clear() {
      if (!open) return;
      clearInterval(clock);
      leave();
      process.off('exit', leave);
      stderr.off('resize', redraw);
      controls.watcher = null;
      for (const line of notes) terminal.note(line);
    },
  };
}
