/**
 * Trains and reads drawings off the page's thread.
 */
import { expose } from 'comlink';
import { Trainer } from './trainer.ts';

expose(new Trainer());
