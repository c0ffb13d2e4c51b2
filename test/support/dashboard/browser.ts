/**
 * Debian's chromium for tests of the dashboard. Rule: a page fails its test when it reports a violation of its policy,
 * an error of the script or a dialog of the browser, or asks any other server for anything.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { findProgram } from '../find-program.ts';

/** Without them chromium asks its maker's servers at every start. */
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];
const TABS_MAX = 400;
const OPTIONS_MAX = 30;

export type Way = 'mouse' | 'keyboard';

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findProgram('chromium') as string, args: FLAGS });
}

export interface PageOptions {
  readonly width?: number;
  readonly theme?: 'light' | 'dark';
}

/** A page with eyes on it. */
export class Watched {
  readonly page: Page;
  readonly #url: string;
  readonly #faults: string[] = [];

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    const { origin } = new URL(url);
    page.on('pageerror', (error) => this.#faults.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.#faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const asked = request.url();
      if (!asked.startsWith(`${origin}/`) && !asked.startsWith('blob:'))
        this.#faults.push(`foreign: ${asked}`);
    });
    page.on('console', (message) => {
      if (/content security policy|trusted/i.test(message.text()))
        this.#faults.push(`policy: ${message.text()}`);
    });
  }

  static async open(browser: Browser, url: string, options: PageOptions = {}): Promise<Watched> {
    const { width = 1280, theme = 'light' } = options;
    const page = await browser.newPage({
      ...{ viewport: { width, height: 800 }, colorScheme: theme, locale: 'en-US' },
      reducedMotion: 'reduce',
    });
    page.setDefaultTimeout(15_000);
    return new Watched(page, url);
  }

  /** Shows a screen by its address. */
  async show(path: string): Promise<void> {
    await this.page.goto(`${this.#url}#/${path}`);
    await this.page.locator('main h1, main form').first().waitFor({ state: 'attached' });
  }

  /** Shows another screen, without loading the page anew. */
  async go(path: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(`#/${path}`)}`);
  }

  button(name: string | RegExp): Locator {
    const exact = typeof name === 'string';
    return this.page.getByRole('button', { name, exact }).first();
  }

  /** Presses a button or follows a link. */
  async press(target: Locator, way: Way): Promise<void> {
    await target.waitFor();
    if (way === 'mouse') return target.click();
    await this.tabTo(target);
    await this.page.keyboard.press('Enter');
  }

  async tick(target: Locator, way: Way): Promise<void> {
    if (way === 'mouse') return target.click();
    await this.tabTo(target);
    await this.page.keyboard.press('Space');
  }

  /** Replaces the text of a field. */
  async type(target: Locator, text: string, way: Way): Promise<void> {
    if (way === 'mouse') return target.fill(text);
    await this.tabTo(target);
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.type(text);
  }

  /** Chooses an option: by keyboard, from the first one downwards. */
  async choose(target: Locator, label: string, way: Way): Promise<void> {
    if (way === 'mouse') {
      await target.selectOption({ label });
      return;
    }
    await this.tabTo(target);
    await this.page.keyboard.press('Home');
    const chosen = target.locator('option:checked');
    for (let steps = 0; (await chosen.textContent()) !== label; steps++) {
      if (steps === OPTIONS_MAX) throw new Error(`there is no ${label}`);
      await this.page.keyboard.press('ArrowDown');
    }
  }

  /** Moves the focus with Tab alone. */
  async tabTo(target: Locator): Promise<void> {
    await target.waitFor();
    for (let tabs = 0; tabs < TABS_MAX; tabs++) {
      if (await target.evaluate((element) => element.matches(':focus'))) return;
      await this.page.keyboard.press('Tab');
    }
    throw new Error(`${target} is not reached with Tab`);
  }

  /** Text of the line about what was done. */
  async toast(text: string | RegExp): Promise<void> {
    await this.page.locator('.toast', { hasText: text }).first().waitFor();
  }

  /** What axe finds. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe);
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResult> } };
      const { violations } = await axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    });
  }

  /** Pixels by which the page is wider than the window. */
  overflow(): Promise<number> {
    return this.page
      .locator('html')
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
  }

  /** Closes the page; fails for what it did wrong meanwhile. */
  async close(): Promise<void> {
    await this.page.close();
    expect(this.#faults).toEqual([]);
  }
}

interface AxeResult {
  readonly violations: readonly { id: string; nodes: readonly { html: string }[] }[];
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
