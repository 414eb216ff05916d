/**
 * Trains and measures off the page's thread.
 */
import { serve } from '../../service/worker/serve.ts';
import { openFlow } from './flow.ts';

serve(openFlow);
