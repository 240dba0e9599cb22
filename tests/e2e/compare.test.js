// Thousands of commands sent to a real server and to a real Redis: the same bytes come back.
'use strict';
const assert = require('node:assert');
const path = require('node:path');
const test = require('node:test');
const {run, startCluster} = require('./cluster.js');

test('a cluster of one answers as Redis does, byte for byte', async (t) => {
  const {nodes: [node]} = await startCluster(t, {nodes: 1});
  const seed = Date.now() % 100000;
  const {code, stdout, stderr} = await run(process.execPath, [path.join(__dirname, 'redis-compare.js'), '--target',
    `127.0.0.1:${node.port}`, '--seed', seed, '--commands', 5000], {timeout: 120000});
  assert.strictEqual(code, 0, `seed ${seed}\n${stdout}${stderr}`);
  assert.match(stdout, /\d{4,} commands compared/);
});
