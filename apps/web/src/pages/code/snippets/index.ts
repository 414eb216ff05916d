/** The library: forty short programs by subject. */
import { gradients } from './gradients.ts';
import { networks } from './networks.ts';
import type { Group, Snippet } from './snippet.ts';
import { tensors } from './tensors.ts';
import { training } from './training.ts';

export const groups: readonly Group[] = [gradients, tensors, networks, training];

export const snippets: readonly Snippet[] = groups.flatMap((group) => group.snippets);

/** What the page opens with. */
export const firstSnippet = gradients.snippets[0];
