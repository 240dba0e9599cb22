// Ports on loopback for servers of one test. They lie below the range from which the kernel takes ports for outgoing
// connections: one of those, held by any client, would keep a server from starting again on its own port.
'use strict';
const dgram = require('node:dgram');
const {once} = require('node:events');
const net = require('node:net');

const FIRST = 10240, COUNT = 20480;
// Each process draws from a part of its own, or tests that run side by side take each other's between looking and starting.
const PARTS = 64, PART_COUNT = COUNT / PARTS, PART_FIRST = FIRST + process.pid % PARTS * PART_COUNT;
const given = new Set();

async function isFreeForStreams(port) {
  const server = net.createServer();
  const outcome = once(server, 'listening').then(() => true, () => false);
  server.listen(port, '127.0.0.1');
  const isFree = await outcome;
  if (isFree) await new Promise((resolve) => server.close(resolve));
  return isFree;
}

async function isFreeForDatagrams(port) {
  const socket = dgram.createSocket('udp4');
  const outcome = once(socket, 'listening').then(() => true, () => false);
  socket.bind(port, '127.0.0.1');
  const isFree = await outcome;
  socket.close();
  return isFree;
}

async function isFree(port) {
  return !given.has(port) && await isFreeForStreams(port) && await isFreeForDatagrams(port);
}

// A port that nobody has now, for TCP and UDP; never the same twice in one process.
async function freePort() {
  for (;;) {
    const port = PART_FIRST + Math.floor(Math.random() * PART_COUNT);
    if (!(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

// For what takes its nodes' ports side by side: P.., P + 2000.., P + 10000.., `nodes` of each.
async function freeBase(nodes = 3) {
  for (;;) {
    const base = FIRST + 10 * Math.floor(Math.random() * (COUNT - 10020) / 10);
    const ports = [0, 2000, 10000].flatMap((offset) => Array.from({length: nodes}, (_, i) => base + offset + i));
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base;
  }
}

module.exports = {freeBase, freePort, isFree};
