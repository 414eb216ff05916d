/**
 * Trains both networks off the page's thread.
 */
import { serve } from '../../live/serve.ts';
import { openComparison } from './compare.ts';

serve(openComparison);
