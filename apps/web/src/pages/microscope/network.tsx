/**
 * A network too large to be drawn node by node: modules that open and close, on a sheet that can be pushed about.
 */
import type { Remote } from 'comlink';
import { useEffect, useState } from 'preact/hooks';
import { PanZoom } from '../../components/panZoom.tsx';
import { Alarm } from '../../components/parts.tsx';
import { messageOf } from '../../service/page/useService.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say } from '../../shell/language.ts';
import { parameter, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import { Presets } from './choice.tsx';
import type { NetworkPicture } from './network.ts';
import type { MicroscopeService } from './worker.ts';

export function Network({ remote }: { readonly remote: Remote<MicroscopeService> }) {
  const opened = parameter('open', '');
  const open = opened === '' ? [] : [...new Set(opened.split(','))];
  const [picture, setPicture] = useState<NetworkPicture | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const vertical = innerWidth < 640;

  useEffect(() => {
    let wanted = true;
    const options = {
      expand: open,
      theme: theme.value,
      id: 'network',
      orientation: vertical ? 'vertical' : 'horizontal',
      background: false,
    } as const;
    remote.drawNetwork(options).then(
      (next) => wanted && setPicture(next),
      (error: unknown) => wanted && setProblem(messageOf(error)),
    );
    return () => {
      wanted = false;
    };
  }, [remote, opened, theme.value, vertical]);

  useInspection(() => ({
    page: 'microscope',
    network: parameter('network', ''),
    open,
    modules: picture?.modules ?? [],
    nodes: picture?.nodes ?? 0,
    problem,
  }));

  const show = (paths: readonly string[]) =>
    setParameters({ open: paths.length > 0 ? paths.join(',') : null });
  const enter = (path: string) => show([...open, path]);
  /** Closes a module and what was opened inside it. */
  const leave = (path: string) => show(open.filter((each) => each !== path && !each.startsWith(`${path}.`)));

  return (
    <>
      <div class="card row">
        <Presets />
        <label class="field">
          <span>{say({ en: 'Open a module', zh: '展开模块' })}</span>
          <select data-testid="open" onChange={(event) => enter(event.currentTarget.value)}>
            <option value="">—</option>
            {picture?.modules.map((path) => (
              <option key={path} value={path}>
                {path}
              </option>
            ))}
          </select>
        </label>
        {open.map((path) => (
          <button
            type="button"
            key={path}
            data-testid={`close-${path}`}
            aria-label={say({ en: `Close module ${path}`, zh: `收起模块 ${path}` })}
            onClick={() => leave(path)}
          >
            {path} ✕
          </button>
        ))}
      </div>
      {problem !== null && <Alarm testId="problem">{problem}</Alarm>}
      {picture ? (
        <>
          <PanZoom
            svg={picture.svg}
            label={say({ en: 'The network by modules', zh: '按模块显示的网络' })}
            onClick={(box) => {
              const path = box.closest<SVGElement>('[data-module]')?.dataset.module;
              if (path) enter(path);
            }}
          />
          <p class="soft">
            {say({
              en: `A residual network and its loss: ${picture.nodes} nodes, ${picture.edges} edges, ${picture.parameters} parameters. Each box is a module; click one to look inside, drag to move about.`,
              zh: `一个残差网络及其损失：${picture.nodes} 个节点，${picture.edges} 条边，${picture.parameters} 个参数。每个方框是一个模块；点击查看内部，拖动以移动。`,
            })}
          </p>
        </>
      ) : (
        <p class="loading">{say({ en: 'Building the network…', zh: '正在构建网络…' })}</p>
      )}
    </>
  );
}
