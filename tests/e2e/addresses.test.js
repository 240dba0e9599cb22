// Nodes that come back elsewhere: who they are stands in their directories, where they are they tell each other.
'use strict';
const assert = require('node:assert');
const test = require('node:test');
const {startCluster, until} = require('./cluster.js');
const {freePort} = require('./ports.js');

const portsOf = ({port, peerPort, adminPort}) => [port, peerPort, adminPort];
const freshPorts = async () => [await freePort(), await freePort(), await freePort()];

// Of nodes that are down: where they are from the next start on, and where they look for each other.
function move(nodes, places) {
  const seeds = places.map(([, peerPort]) => `127.0.0.1:${peerPort}`).join(',');
  nodes.forEach((node, i) => {
    [node.port, node.peerPort, node.adminPort] = places[i];
    node.flags = ['server', '--dir', node.directory, '--port', node.port, '--peer-port', node.peerPort, '--admin-port', node.adminPort,
      '--join', seeds];
  });
}

const moves = {
  'one of three is elsewhere': async ([first, second]) => [portsOf(first), portsOf(second), await freshPorts()],
  'two of three are': async ([first]) => [portsOf(first), await freshPorts(), await freshPorts()],
  'all are': () => Promise.all([1, 2, 3].map(freshPorts)),
  'each is where another one was': ([first, second, third]) => [second, third, first].map(portsOf),
};

for (const [title, placesFor] of Object.entries(moves)) {
  test(`after all have ended, ${title}`, async (t) => {
    const cluster = await startCluster(t, {shards: 2});
    const {nodes} = cluster;
    assert.strictEqual(await (await cluster.leaderOf(3300)).ask('SET', 'b', 'there'), 'OK');
    await Promise.all(nodes.map((node) => node.kill()));
    move(nodes, await placesFor(nodes));
    await Promise.all(nodes.map((node) => node.start()));
    await cluster.whole();
    await until('all know where all are', async () => {
      const told = await Promise.all(nodes.map((node) => node.ask('TROTHDB', 'STATUS')));
      const wanted = JSON.stringify(nodes.map(portsOf));
      return told.every(({5: known}) => JSON.stringify(known.map(([, , , ...ports]) => ports.slice(0, 3))) === wanted);
    });
    assert.strictEqual(await (await cluster.leaderOf(3300)).ask('GET', 'b'), 'there');
  });
}

// Seeds that were named once need not be for ever: the name of one may be looked up in vain in the night in which all start again.
test('after all have ended, nobody is named as a seed', async (t) => {
  const {nodes} = await startCluster(t, {shards: 2});
  await Promise.all(nodes.map((node) => node.kill()));
  for (const node of nodes) node.flags.splice(node.flags.indexOf('--join'), 2);
  await Promise.all(nodes.map((node) => node.start()));
  for (const node of nodes) {
    await until(`${node.address} hears of all by gossip`, async () => (await node.ask('GOSSIP', 'MEMBERS', 'STATE', 'alive')).length === nodes.length);
  }
});
