/**
 * The list of things to look at: formulas, and a network.
 */
import { Field } from '../../components/parts.tsx';
import { say } from '../../shell/language.ts';
import { parameter, route, setParameters } from '../../shell/route.ts';
import { presets } from './presets.ts';

export function Presets() {
  const expression = parameter('expression', presets[0].expression);
  const network = parameter('network', '') !== '';
  const known = presets.find((preset) => preset.expression === expression);
  const choose = (id: string) => {
    const preset = presets.find((each) => each.id === id);
    const clear = Object.fromEntries([...route.peek().parameters.keys()].map((key) => [key, null]));
    if (!preset) {
      setParameters({ ...clear, network: id });
      return;
    }
    const values = Object.entries(preset.values).map(([name, value]) => [`v.${name}`, value]);
    setParameters({ ...clear, expression: preset.expression, ...Object.fromEntries(values), step: 0 });
  };
  return (
    <Field label={{ en: 'Choose one', zh: '选择示例' }}>
      <select data-testid="preset" onChange={(event) => choose(event.currentTarget.value)}>
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
          {say({ en: 'A deep network, 10,000 nodes', zh: '深层网络，一万个节点' })}
        </option>
      </select>
    </Field>
  );
}
