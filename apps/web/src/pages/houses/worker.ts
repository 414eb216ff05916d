/**
 * Reads, trains and predicts off the page's thread.
 */
import { serve } from '../../service/worker/serve.ts';
import { openHouses } from './houses.ts';

serve(openHouses);
