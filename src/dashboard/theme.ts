/** Light or dark: as the system has it, until the reader chooses. */
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'geartrain.theme';
const stored = localStorage.getItem(KEY);

export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

const system = matchMedia('(prefers-color-scheme: dark)');
export const isDark = signal(false);
const look = (): void => {
  isDark.value = theme.value === 'system' ? system.matches : theme.value === 'dark';
};
system.addEventListener('change', look);

/** Keeps the page in the theme that is chosen. */
export function followTheme(): void {
  effect(() => {
    look();
    document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light';
    if (theme.value === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme.value);
  });
}

export function switchTheme(): void {
  theme.value = isDark.value ? 'light' : 'dark';
}
