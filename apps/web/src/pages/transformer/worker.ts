/**
 * Trains and answers off the page's thread.
 */
import { serveTraining } from '@ag/train';
import { open } from './session.ts';

void serveTraining(open);
