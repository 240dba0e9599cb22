// How long a shard has no leader: the node that leads it is killed (SIGKILL), and writes are tried at the others until one
// is acknowledged. Between two kills the dead node comes back and catches up.
'use strict'
const net = require('net')
const { startTrothdb, trothdbNode, trothdbStatus, end, waitUntil, sleep } = require('./systems')

const KEY = 'failover'
const WRITE_WAIT_MS = 2000
const GIVE_UP_MS = 20000

// One SET; resolves with the first line of the reply, or null.
function trySet(port, value) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    const done = (reply) => { socket.destroy(); resolve(reply) }
    socket.setTimeout(WRITE_WAIT_MS, () => done(null))
    socket.setNoDelay(true)
    socket.once('error', () => done(null))
    socket.once('data', (data) => done(data.toString()))
    socket.write(`SET ${KEY} ${value}\r\n`)
  })
}

// Each survivor is asked in a loop of its own, so that one that answers late does not hold up the other.
async function firstAcknowledged(ports, value) {
  const begun = performance.now()
  let isDone = false
  const attempt = async (port) => {
    while (!isDone && performance.now() - begun < GIVE_UP_MS) {
      const reply = await trySet(port, value)
      if (reply?.startsWith('+OK')) { isDone = true; return performance.now() - begun }
      await sleep(1)
    }
    return Infinity
  }
  const times = await Promise.all(ports.map(attempt))
  const time = Math.min(...times)
  if (time === Infinity) throw new Error(`no write was acknowledged ${GIVE_UP_MS / 1000} s after the leader was killed`)
  return time
}

// The node that leads the shard of KEY, found by asking each.
async function findLeader(ports) {
  let leader = -1
  await waitUntil(async () => {
    for (let i = 0; i < ports.length; i++) {
      if ((await trySet(ports[i], 'before'))?.startsWith('+OK')) { leader = i; return true }
    }
    return false
  }, 'a leader')
  return leader
}

const hasCaughtUp = (status) => status?.shards?.length > 0 &&
  status.shards.every((shard) => shard.leader && shard.replicas.every((replica) => replica.lag_entries === 0))

async function measureFailover(options) {
  const running = await startTrothdb(options)
  const ports = [0, 1, 2].map((i) => options.base + i)
  const times = []
  try {
    for (let kill = 0; kill < options.kills; kill++) {
      const leader = await findLeader(ports)
      running.nodes[leader].kill('SIGKILL')
      const time = await firstAcknowledged(ports.filter((_, i) => i !== leader), `after-${kill}`)
      times.push(time)
      await running.nodes[leader].ended
      running.nodes[leader] = trothdbNode(options, leader)
      await waitUntil(() => hasCaughtUp(trothdbStatus(options, ports[(leader + 1) % 3])), 'the killed node')
      await sleep(500) // a quiet moment, so that each kill is one of its own
    }
  } finally {
    await Promise.all(running.nodes.map((node) => end(node, 'SIGKILL')))
  }
  times.sort((a, b) => a - b)
  return { kills: times.length, medianMs: times[Math.floor(times.length / 2)], worstMs: times[times.length - 1], allMs: times.map((time) => Math.round(time)) }
}

module.exports = { measureFailover }
