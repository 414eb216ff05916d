/**
 * Runs races off the page's thread.
 */
import { expose } from 'comlink';
import { race } from './race.ts';

const service = { race };

export type RaceService = typeof service;

expose(service);
