// A real browser for what people look at. Where there is none the test is skipped, with a word of what is missing.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function findBrowser() {
  const folders = (process.env.PATH || '').split(path.delimiter);
  return BROWSERS.flatMap((name) => folders.map((folder) => path.join(folder, name))).find((file) => fs.existsSync(file));
}

// A browser for one test, or nothing if the test is skipped.
async function browse(t) {
  let playwright;
  try {
    playwright = require('playwright-core');
  } catch {
    return void t.skip('playwright-core is not there: cd tests/e2e && npm ci');
  }
  const executablePath = findBrowser();
  if (!executablePath) return void t.skip('chromium is not installed: apt-get install chromium');
  // As root Chromium has no sandbox; and it looks at nothing but our own pages here.
  const args = process.getuid && process.getuid() === 0 ? ['--no-sandbox'] : [];
  const browser = await playwright.chromium.launch({executablePath, args, timeout: 60000});
  t.after(() => browser.close());
  return browser;
}

module.exports = {browse};
