/**
 * What tests need that plan or run on backends: see each file.
 */
export { type NullBackend, nullBackend, type Traffic } from './null-backend.ts';
