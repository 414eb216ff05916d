/**
 * Light and dark: the system's choice until the reader makes one.
 */
import { computed, signal } from '@preact/signals';

export type Theme = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = signal<Theme>(system.matches ? 'dark' : 'light');
system.addEventListener('change', () => {
  systemTheme.value = system.matches ? 'dark' : 'light';
});

const stored = localStorage.getItem('ag.theme');
const chosen = signal<Theme | null>(stored === 'light' || stored === 'dark' ? stored : null);

/** The theme in use; pictures are drawn for it. */
export const theme = computed<Theme>(() => chosen.value ?? systemTheme.value);

theme.subscribe((value) => {
  document.documentElement.dataset.theme = value;
});

export function toggleTheme(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem('ag.theme', chosen.value);
}
