// A day in the gossip simulator that is told to end: what was reached by then is measured.
'use strict';
const assert = require('node:assert');
const {spawn} = require('node:child_process');
const {once} = require('node:events');
const path = require('node:path');
const test = require('node:test');
const {program} = require('./cluster.js');

const simulator = path.join(path.dirname(program), 'trothdb-gossip-sim');
const LONG_HOURS = 10000; // of a dozen nodes: an hour of one processor

// Runs until it says how far it is, sends SIGTERM then, and returns how it ended.
async function endEarly(t, ...words) {
  const child = spawn(simulator, [...words, '--json', '--progress'].map(String), {stdio: ['ignore', 'pipe', 'pipe']});
  t.after(() => child.kill('SIGKILL'));
  let out = '', isTold = false;
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', () => {
    if (!isTold) child.kill('SIGTERM');
    isTold = true;
  });
  const [code, signal] = await once(child, 'close');
  return {code, signal, out};
}

const figureOf = (report, scenario, name) =>
  report.figures.find((each) => each.scenario === scenario && each.figure === name)?.measured;

test('a day of split that is told to end heals, and says how long it was', async (t) => {
  const {code, out} = await endEarly(t, 'split_day', 'day', '--nodes', 12, '--hours', LONG_HOURS);
  const report = JSON.parse(out), hours = figureOf(report, 'split_day', 'hours');
  assert.strictEqual(code, 0);
  assert.ok(hours > 0 && hours < LONG_HOURS, out);
  assert.ok(figureOf(report, 'split_day', 'heal') > 0, out);
  assert.strictEqual(figureOf(report, 'split_day', 'false_deaths'), 0);
  assert.strictEqual(figureOf(report, 'day', 'hours'), undefined, 'what comes after it is not begun');
});

test('a scenario that lasts no day ends at once', async (t) => {
  const {signal, out} = await endEarly(t, 'key', '--nodes', 60, '--samples', 10000);
  assert.deepStrictEqual([signal, out], ['SIGTERM', '']);
});
