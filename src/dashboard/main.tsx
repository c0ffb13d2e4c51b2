/** The dashboard: a program in the reader's browser that shows one server and steers it by its JSON API. */
import { render } from 'preact';
import { followFunctions } from './api/functions.ts';
import { followServer } from './api/server.ts';
import { App } from './app.tsx';
import { followTheme } from './theme.ts';

followTheme();
followServer();
followFunctions();
const root = document.getElementById('app');
if (root !== null) {
  root.textContent = '';
  render(<App />, root);
}
