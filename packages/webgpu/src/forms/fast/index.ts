/** Forms for what is large or comes in bands, asked before the plain ones, in this order. */
import type { Form } from '../form.ts';

export const fastForms: readonly Form[] = [];
