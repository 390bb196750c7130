import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const program = process.env.CONTRAIL_CHROMIUM ?? '/usr/bin/chromium';

/** Whether there is a browser to try pages in; where there is none, a line says so. */
export const hasBrowser = existsSync(program);
if (!hasBrowser)
  console.warn(`No Chromium at ${program}, so the page is not tried in a browser; CONTRAIL_CHROMIUM names one.`);

/** Starts a browser that asks for nothing by itself. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: program,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
