/**
 * Studies formulas and draws large networks off the page's thread.
 */
import { expose } from 'comlink';
import { descend, slope } from '../../living/descend.ts';
import { look } from '../../living/look.ts';
import { drawNetwork } from './network.ts';

const service = { look, descend, slope, drawNetwork };

/** What the page calls. */
export type MicroscopeService = typeof service;

expose(service);
