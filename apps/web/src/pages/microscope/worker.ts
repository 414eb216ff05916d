/**
 * Studies formulas and draws large networks off the page's thread.
 */
import { expose } from 'comlink';
import { drawNetwork } from './network.ts';
import { study } from './study.ts';

const service = { study, drawNetwork };

/** What the page calls. */
export type MicroscopeService = typeof service;

expose(service);
