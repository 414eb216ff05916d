/** Computes the formula of the start page, and what it learns. */
import { expose } from 'comlink';
import { descend } from '../../living/descend.ts';
import { study } from '../../living/study.ts';

const service = { study, descend };

/** What the page calls. */
export type HeroService = typeof service;

expose(service);
