// The hot path through three nodes, sockets, streams and disks: what a command takes from the heap beyond the value that is
// kept, by jemalloc's own count. unit/node/test_allocation.c looks at one node without replicas, at every call.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {Connection, startCluster} = require('./cluster.js');

const KEYS = 1000, COMMANDS = 40000;
const MOST = 0.7; // a command: of whole turns there are some dozen, and one for each command would be 1

// How often the allocator was ever asked, by all arenas together; undefined where it is not jemalloc. What threads keep for themselves is
// counted a little later.
async function requests(node) {
  const {text} = await node.get('/debug/memory');
  const heading = /^ +allocated +nmalloc +\(#\/sec\) +ndalloc +\(#\/sec\) +nrequests/m.exec(text);
  if (!heading) return undefined;
  return ['small', 'large'].map((kind) => Number(new RegExp(`^${kind}:(?: +\\d+){5} +(\\d+)`, 'm').exec(text.slice(heading.index))[1]))
    .reduce((sum, count) => sum + count);
}

async function pipelines(connection, depth, words) {
  for (let done = 0; done < COMMANDS; done += depth) {
    const replies = [];
    connection.socket.cork();
    for (let i = 0; i < depth; i++) replies.push(connection.ask(...words((done + i) % KEYS)));
    connection.socket.uncork();
    const answers = await Promise.all(replies);
    assert.ok(answers.every((answer) => !(answer instanceof Error)), String(answers[0]));
  }
}

test('commands allocate nothing but what is kept, on the leader and on its followers', async (t) => {
  const cluster = await startCluster(t, {shards: 1, isCalm: true});
  const leader = await cluster.leaderOf(0);
  if (await requests(leader) === undefined) {
    t.skip('this build has another allocator');
    return;
  }
  const connection = await Connection.open(leader.port);
  t.after(() => connection.close());
  for (const [what, words] of [['SET', (i) => ['SET', `key:${i}`, 'abc']], ['GET', (i) => ['GET', `key:${i}`]]]) {
    await pipelines(connection, 500, words);
    for (const depth of [64, 500]) {
      const before = await Promise.all(cluster.nodes.map(requests));
      await pipelines(connection, depth, words);
      const after = await Promise.all(cluster.nodes.map(requests));
      const each = after.map((count, at) => (count - before[at]) / COMMANDS);
      t.diagnostic(`${what}, ${depth} at a time, allocations a command on each node: ${each.map((one) => one.toFixed(3)).join(' ')}`);
      for (const one of each) assert.ok(one < MOST, `${what}, ${depth} at a time: ${each} allocations a command`);
    }
  }
});
