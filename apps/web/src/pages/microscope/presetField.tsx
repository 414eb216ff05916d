/** The list of examples: formulas, and a network. */
import { Field } from '../../components/controls.tsx';
import { say } from '../../shell/language.ts';
import { parameter, route, setParameters } from '../../shell/route.ts';
import { presets } from './presets.ts';
import { texts } from './texts.ts';

export function PresetField() {
  const expression = parameter('expression', presets[0].expression);
  const network = parameter('network', '') !== '';
  const known = presets.find((preset) => preset.expression === expression);
  return (
    <Field label={texts.choose}>
      <select data-testid="preset" onChange={(event) => open(event.currentTarget.value)}>
        {!network && !known && (
          <option value="" selected>
            —
          </option>
        )}
        {presets.map((preset) => (
          <option key={preset.id} value={preset.id} selected={!network && preset === known}>
            {say(preset.title)}
          </option>
        ))}
        <option value="deep" selected={network}>
          {say(texts.deepNetwork)}
        </option>
      </select>
    </Field>
  );
}

/** Replaces everything in the address. */
function open(id: string): void {
  const preset = presets.find((each) => each.id === id);
  const clear = Object.fromEntries([...route.peek().parameters.keys()].map((key) => [key, null]));
  if (!preset) {
    setParameters({ ...clear, network: id });
    return;
  }
  const values = Object.entries(preset.values).map(([name, value]) => [`v.${name}`, value]);
  setParameters({ ...clear, expression: preset.expression, ...Object.fromEntries(values), step: 0 });
}
