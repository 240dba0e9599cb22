// The log is written by a thread or by io_uring: whichever it is, nothing that was acknowledged is lost, and a disk that
// fails stops the process.
'use strict';
const assert = require('node:assert');
const {execFileSync} = require('node:child_process');
const test = require('node:test');
const {Connection, startCluster, until} = require('./cluster.js');

const WRITTEN_BY = {thread: /the log is written by a thread/, io_uring: /the log is written by (io_uring|a thread.*the kernel gives no io_uring)/};
const valueOf = (i) => String(i).repeat(1 + i * 37 % 3000);

// Each value is as long as no other, so that rounds of all lengths are written. Ends with the connection.
async function writeUntilItEnds(node, key, maximum) {
  const client = await Connection.open(node.port);
  let acknowledged = 0;
  try {
    while (acknowledged < maximum && await client.ask('SET', `${key}${acknowledged}`, valueOf(acknowledged)) === 'OK') acknowledged++;
  } catch { /* it is gone */ }
  client.close();
  return acknowledged;
}

async function expectAll(node, key, count) {
  const client = await Connection.open(node.port);
  for (let i = 0; i < count; i++) assert.strictEqual(await client.ask('GET', `${key}${i}`), valueOf(i), `${key}${i} of ${count}`);
  client.close();
}

for (const engine of Object.keys(WRITTEN_BY)) {
  test(`${engine}: killed at any moment, it has what it acknowledged`, async (t) => {
    const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: ['--disk-engine', engine, '--wal-segment-bytes', '1mb']});
    assert.match(node.log, WRITTEN_BY[engine]);
    const counts = [];
    for (let life = 0; life < 3; life++) {
      const written = writeUntilItEnds(node, `life${life}:`, 2000);
      await until('much is written', async () => Number(await node.ask('DBSIZE')) > (life + 1) * 100);
      await node.kill();
      counts.push(await written);
      await node.startWhole();
      for (let i = 0; i <= life; i++) await expectAll(node, `life${i}:`, counts[i]);
    }
  });

  test(`${engine}: a write that the disk refuses stops the process, and is not acknowledged`, async (t) => {
    const {nodes: [node]} = await startCluster(t, {nodes: 1, shards: 1, flags: ['--disk-engine', engine]});
    execFileSync('prlimit', ['--pid', node.process.pid, '--fsize=1000000:']); // files end there: EFBIG behind it
    const ended = node.ended();
    const acknowledged = await writeUntilItEnds(node, 'key', 5000);
    const {code} = await ended;
    assert.notStrictEqual(code, 0);
    assert.match(node.log, /the log failed/);
    await node.startWhole();
    await expectAll(node, 'key', acknowledged);
  });
}
