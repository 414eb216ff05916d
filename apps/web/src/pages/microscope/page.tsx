/** Graph microscope: a formula as a graph, forward and backward one node at a time. */
import { Problem } from '../../components/parts.tsx';
import { pageWorker } from '../../service/page/pageWorker.ts';
import { useService } from '../../service/page/useService.ts';
import { parameter } from '../../shell/route.ts';
import { Formula } from './formula.tsx';
import { Network } from './network.tsx';
import type { MicroscopeService } from './worker.ts';
import './page.css';

export default function Microscope() {
  const { remote, failure } = useService<MicroscopeService>(() => pageWorker('microscope'));
  return (
    <>
      <Problem message={failure} />
      {parameter('network', '') === '' ? <Formula remote={remote} /> : <Network remote={remote} />}
    </>
  );
}
