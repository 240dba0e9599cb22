// A node is asked for its health by gRPC's own JavaScript client, as a load balancer or Kubernetes would ask it.
'use strict';
const assert = require('node:assert');
const {once} = require('node:events');
const path = require('node:path');
const test = require('node:test');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');
const {startNodes, until} = require('./cluster.js');

const proto = loader.loadSync(path.join(__dirname, '..', '..', 'proto', 'health.proto'), {enums: String});
const {health} = grpc.loadPackageDefinition(proto).grpc;

async function startNode(t, ...flags) {
  const {nodes: [node]} = await startNodes(t, {flags});
  return node;
}

const client = (port) => new health.v1.Health(`127.0.0.1:${port}`, grpc.credentials.createInsecure());

const check = (health, service) => new Promise((resolve, reject) =>
  health.Check({service}, (error, answer) => error ? reject(error) : resolve(answer.status)));

const serves = (asked) => until('SERVING', async () => await check(asked, '') === 'SERVING');

test('a cluster of one is SERVING, and an unknown service is NOT_FOUND', async (t) => {
  const node = await startNode(t);
  const asked = client(node.peerPort);
  await serves(asked);
  assert.strictEqual(await check(asked, 'trothdb.peer.v1.Peer'), 'SERVING');
  await assert.rejects(check(asked, 'nobody'), {code: grpc.status.NOT_FOUND});
  asked.close();
  await node.stop();
});

test('a spare is NOT_SERVING, for gRPC and for HTTP', async (t) => {
  const node = await startNode(t, '--join', '127.0.0.1:1');
  const asked = client(node.peerPort);
  assert.strictEqual(await check(asked, ''), 'NOT_SERVING');
  assert.strictEqual((await node.get('/health/ready')).status, 503);
  assert.strictEqual((await node.get('/health/live')).status, 200);
  asked.close();
  await node.stop();
});

test('Watch tells what it is, and says so of services that are not here', async (t) => {
  const node = await startNode(t);
  const asked = client(node.peerPort);
  await serves(asked);
  for (const [service, status] of [['', 'SERVING'], ['nobody', 'SERVICE_UNKNOWN']]) {
    const watch = asked.Watch({service});
    const [first] = await once(watch, 'data');
    assert.strictEqual(first.status, status);
    watch.on('error', () => {}); // cancelling is reported as one
    watch.cancel();
  }
  asked.close();
  await node.stop();
});

test('an unknown method is UNIMPLEMENTED', async (t) => {
  const node = await startNode(t);
  const raw = new grpc.Client(`127.0.0.1:${node.peerPort}`, grpc.credentials.createInsecure());
  const same = (bytes) => bytes;
  await assert.rejects(new Promise((resolve, reject) => raw.makeUnaryRequest('/trothdb.peer.v1.Peer/Nothing', same, same,
    Buffer.from('x'), (error, answer) => error ? reject(error) : resolve(answer))), {code: grpc.status.UNIMPLEMENTED});
  raw.close();
  await node.stop();
});
