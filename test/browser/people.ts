// People at pages: a cluster that runs the examples, Chromium without a window, and for each person a page in a context of its own, of which every frame
// that its WebSockets received is kept.

import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import type { TestCluster } from '../../host/testing/testing.ts';
import { createTestCluster } from '../../host/testing/testing.ts';

/** How long anything on a page may take, in ms. */
const untilMs = 30_000;
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = [process.env['CHROMIUM'] ?? '', ...places].find((path) => path !== '' && existsSync(path));

/** Why the tests of pages cannot run here; false where they can. */
export const skip =
  executablePath === undefined ? `no Chromium at ${places.join(', ')}: install one, or name it in CHROMIUM` : false;

export type Person = {
  readonly name: string;
  readonly page: Page;
  /** The pane of this person, or of somebody else whom the same page shows. */
  readonly pane: Locator;
  /** All that came over the page's WebSockets so far. */
  heard(): string;
};

export class Stage {
  readonly cluster: TestCluster;
  readonly #browser: Browser;
  /** What pages complained of: violations of their policy, and what their modules threw. */
  readonly complaints: string[] = [];

  constructor(cluster: TestCluster, browser: Browser) {
    this.cluster = cluster;
    this.#browser = browser;
  }

  static async start(): Promise<Stage> {
    const cluster = await createTestCluster({
      app: new URL('../../examples/app.js', import.meta.url),
      page: fileURLToPath(new URL('../../../examples', import.meta.url)),
      ports: [26_000, 26_999],
    });
    try {
      return new Stage(cluster, await chromium.launch({ executablePath: executablePath ?? '' }));
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.cluster.close();
  }

  /** Opens `path` of the proxy as somebody who was never here. */
  async open(path: string): Promise<{ readonly page: Page; heard(): string }> {
    const context = await this.#browser.newContext({ viewport: { width: 1_280, height: 900 } });
    context.setDefaultTimeout(untilMs);
    const page = await context.newPage();
    const frames: string[] = [];
    page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(String(payload))));
    page.on('pageerror', (error) => this.complaints.push(`${path}: ${error.stack}`));
    page.on('console', (message) => {
      // A proxy that is away is no complaint.
      if (message.type() === 'error' && !message.text().includes('WebSocket')) this.complaints.push(message.text());
    });
    await page.goto(new URL(path, this.cluster.url.replace('ws', 'http')).href);
    return { page, heard: () => frames.join('\n') };
  }

  /** Opens the page of an example as each of these people, in a browser of their own. */
  async people(example: string, names: readonly string[]): Promise<Person[]> {
    return Promise.all(
      names.map(async (name) => {
        const { page, heard } = await this.open(`/${example}/page/?as=${name}`);
        const pane = paneOf(page, name);
        await statusOf(pane, 'live');
        return { name, page, pane, heard };
      }),
    );
  }
}

export function paneOf(page: Page, name: string): Locator {
  return page.getByRole('region', { name: `What ${name} sees` });
}

/** Resolves when the pane says so. */
export async function statusOf(pane: Locator, status: 'live' | 'resuming'): Promise<void> {
  await pane.locator('.status', { hasText: status }).waitFor();
}

export function button(pane: Locator, name: string | RegExp): Locator {
  return pane.getByRole('button', { name });
}

/** Resolves when `look` says true, which it is asked again and again. */
export async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const late = performance.now() + untilMs;
  while (!(await look())) {
    if (performance.now() > late) throw new Error(`not within ${untilMs} ms: ${what}`);
    // A look goes to the page and back: nothing else need be waited for.
    await turn();
  }
}
