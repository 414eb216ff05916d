/** The reference backend: the specification of all others. Start reading at `backend.ts`. */
export { reference } from './backend.ts';
