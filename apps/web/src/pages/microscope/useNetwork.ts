/** The state of the large network: which modules are open, and the picture that the worker drew of it. */
import type { Remote } from 'comlink';
import { useEffect, useState } from 'preact/hooks';
import { messageOf } from '../../service/messageOf.ts';
import { useInspection } from '../../shell/inspection.ts';
import { parameter, setParameters } from '../../shell/route.ts';
import { isNarrow } from '../../shell/screen.ts';
import { theme } from '../../shell/theme.ts';
import type { NetworkPicture } from './network.ts';
import type { MicroscopeService } from './worker.ts';

export function useNetwork(remote: Remote<MicroscopeService>) {
  const opened = parameter('open', '');
  const open = opened === '' ? [] : [...new Set(opened.split(','))];
  const [picture, setPicture] = useState<NetworkPicture | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const vertical = isNarrow();

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
  return {
    open,
    picture,
    problem,
    enter: (path: string) => show([...open, path]),
    /** Closes a module and what was opened inside it. */
    leave: (path: string) => show(open.filter((each) => each !== path && !each.startsWith(`${path}.`))),
  };
}
