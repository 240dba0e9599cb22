// What people look at, in a real browser: the page of trothdb chaos --report, wide and narrow, light, dark and printed, and the
// plots of docs/guide. Skipped, with a word of what is missing, where there is no browser.
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');
const {pathToFileURL} = require('node:url');
const {browse} = require('./browser.js');
const {program, run} = require('./cluster.js');

const images = path.join(__dirname, '../../docs/guide/img');

// Opens a file and notes all that goes wrong, and all that it asks for beside itself.
async function open(browser, file, options) {
  const address = pathToFileURL(file).href;
  const page = await browser.newPage(options);
  const wrong = [];
  page.on('console', (message) => wrong.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('request', (request) => request.url() === address || wrong.push(`request: ${request.url()}`));
  page.on('requestfailed', (request) => wrong.push(`failed: ${request.url()}`));
  await page.goto(address, {timeout: 60000});
  return {page, wrong};
}

// Runs in the page. What is wrong with a plot: no lines, something that sticks out, texts that cover each other.
function faultsOfPlots(plots) {
  const faults = [];
  for (const svg of plots) {
    const name = svg.getAttribute('aria-label') || (svg.querySelector('title') || {}).textContent || '';
    const box = svg.getBoundingClientRect();
    const rectangles = [...svg.querySelectorAll('text')].map((text) => ({text: text.textContent, rect: text.getBoundingClientRect()}));
    if (!name) faults.push('a plot has no name');
    if (!(svg.querySelector('desc') || {}).textContent) faults.push(`${name}: nothing tells what it shows`);
    if (rectangles.length < 4) faults.push(`${name}: no axes`);
    const marks = [...svg.querySelectorAll('.mark')];
    if (marks.length === 0 || marks.every((mark) => mark.getTotalLength() === 0)) faults.push(`${name}: nothing is drawn`);
    for (const {text, rect} of [...rectangles, ...marks.map((mark) => ({text: 'a line', rect: mark.getBoundingClientRect()}))]) {
      const out = Math.max(box.left - rect.left, rect.right - box.right, box.top - rect.top, rect.bottom - box.bottom);
      if (out > 1.5) faults.push(`${name}: ${text} sticks out by ${out.toFixed(1)} px`);
    }
    rectangles.forEach((a, i) => rectangles.slice(i + 1).forEach((b) => {
      const across = Math.min(a.rect.right, b.rect.right) - Math.max(a.rect.left, b.rect.left);
      const down = Math.min(a.rect.bottom, b.rect.bottom) - Math.max(a.rect.top, b.rect.top);
      if (across > 1 && down > 4) faults.push(`${name}: '${a.text}' and '${b.text}' cover each other`);
    }));
    for (const {text, rect} of rectangles) if (rect.height < 9) faults.push(`${name}: '${text}' is too small to read`);
  }
  return faults;
}

test('the report of chaos is drawn whole, wide and narrow, light, dark and printed', async (t) => {
  const browser = await browse(t);
  if (!browser) return;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'trothdb-e2e-'));
  t.after(() => fs.rmSync(directory, {recursive: true, force: true}));
  const scenario = path.join(directory, 'a_scenario_whose_name_is_longer_than_a_small_screen_is_wide.txt');
  const file = path.join(directory, 'report.html');
  fs.writeFileSync(scenario, 'agents 5\nmessages 20/s\nat 500ms kill a5\nat 1s loss 10% for 1s\nat 1200ms join 1\nlasts 6s\nexpect no false deaths\n');
  const {code, stderr} = await run(program, ['chaos', '--scenario', scenario, '--report', file], {timeout: 90000});
  assert.ok(fs.existsSync(file), `exit code ${code}: ${stderr}`);
  for (const [width, colorScheme, media] of [[1280, 'light', 'screen'], [400, 'dark', 'screen'], [700, 'dark', 'print']]) {
    await t.test(`${width} pixels, ${colorScheme}, ${media}`, async () => {
      const {page, wrong} = await open(browser, file, {viewport: {width, height: 900}, colorScheme});
      await page.emulateMedia({media});
      // The plots are drawn again as soon as it is known how wide they are; then, with all tables open, nothing may be wider than the page.
      await page.waitForFunction(() => [...document.querySelectorAll('figure svg[role=img]')].every((svg) =>
        Math.abs(svg.viewBox.baseVal.width - svg.getBoundingClientRect().width) < 2), null, {timeout: 30000});
      await page.evaluate(() => { for (const table of document.querySelectorAll('details')) table.open = true; });
      const seen = await page.evaluate(() => ({plots: document.querySelectorAll('figure svg[role=img]').length, width: document.documentElement.scrollWidth,
        ground: getComputedStyle(document.body).backgroundColor, rows: [...document.querySelectorAll('details table')].map((one) => one.rows.length)}));
      assert.ok(seen.plots >= 9, `${seen.plots} plots`);
      assert.ok(seen.width <= width, `${seen.width} of ${width} pixels wide`);
      assert.ok(seen.rows.length >= 8 && seen.rows.every((rows) => rows > 1), `tables with ${seen.rows} rows stand beside the plots`);
      assert.strictEqual(Number(/\d+/.exec(seen.ground)[0]) < 128, colorScheme === 'dark' && media === 'screen', `the ground is ${seen.ground}`);
      assert.deepStrictEqual(await page.$$eval('figure svg[role=img]', faultsOfPlots), []);
      const [floor, least] = await page.evaluate(() => {
        const [, number, unit] = /^(\d+) (.s)$/.exec(document.querySelector('figure svg[role=img] text[text-anchor=end]').textContent);
        const {slices} = JSON.parse(document.getElementById('report').textContent);
        return [number * {'µs': 1, ms: 1000}[unit], Math.min(...slices.flatMap(({news}) => news && news.count ? [news.p50_us] : []))];
      });
      assert.ok(floor <= least, `p50 of ${least} µs stands in a plot that begins at ${floor}`);
      if (media === 'screen') {
        await page.hover('figure svg[role=img]');
        assert.match(await page.textContent('figure .key'), /p50 .*at \d/, 'the key tells the figures at the pointer');
      }
      assert.deepStrictEqual(wrong, [], 'it loads nothing, and says nothing on the console');
      await page.close();
    });
  }
});

test('the plots of the guide have names, axes and lines, and nothing sticks out', async (t) => {
  const browser = await browse(t);
  if (!browser) return;
  const files = fs.readdirSync(images).filter((name) => name.endsWith('.svg'));
  assert.ok(files.length > 0);
  for (const name of files) {
    const {page, wrong} = await open(browser, path.join(images, name), {viewport: {width: 640, height: 320}});
    assert.deepStrictEqual(await page.$$eval('svg', faultsOfPlots), [], name);
    assert.deepStrictEqual(wrong, [], name);
    await page.close();
  }
});
