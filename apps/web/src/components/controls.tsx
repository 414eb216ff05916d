/**
 * Controls of a page that goes on.
 */

import type { Live } from '../service/page/useLive.ts';
import { say, type Text } from '../shell/language.ts';
import { setParameters } from '../shell/route.ts';
import { Button, Entry, Field } from './parts.tsx';

export function RunButtons({
  live,
  done,
  start = { en: 'Train', zh: '训练' },
}: {
  readonly live: Live<unknown>;
  readonly done: boolean;
  readonly start?: Text;
}) {
  return (
    <>
      <Button
        class="primary"
        data-testid="run"
        disabled={done || live.update === null}
        onClick={() => live.run(!live.running)}
      >
        {live.running ? say({ en: 'Pause', zh: '暂停' }) : say(start)}
      </Button>
      <Button data-testid="once" disabled={done || live.running || live.update === null} onClick={live.once}>
        {say({ en: 'A little more', zh: '再练一点' })}
      </Button>
      <Button data-testid="restart" disabled={live.update === null} onClick={live.restart}>
        {say({ en: 'Start again', zh: '重新开始' })}
      </Button>
    </>
  );
}

/** A number that is kept in the address under `name`. */
export function NumberField({
  name,
  label,
  value,
}: {
  readonly name: string;
  readonly label: Text;
  readonly value: number;
}) {
  return (
    <Field label={label}>
      <Entry
        type="number"
        step="any"
        min={0}
        style={{ width: '6.5rem' }}
        data-testid={name}
        value={value}
        onCommit={(text) => setParameters({ [name]: text })}
      />
    </Field>
  );
}

/** The nearest whole number in a range. */
export function within(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, Math.round(value)));
}
