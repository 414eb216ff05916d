/**
 * Reads, trains and predicts off the page's thread.
 */
import { serve } from '../../live/serve.ts';
import { openHouses } from './houses.ts';

serve(openHouses);
