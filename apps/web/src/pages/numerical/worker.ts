/**
 * Trains both networks off the page's thread.
 */
import { serve } from '../../service/worker/serve.ts';
import { openComparison } from './compare.ts';

serve(openComparison);
