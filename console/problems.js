// What is wrong now, in sentences; none when all is well. Pure.
import { isLive } from './facts.js'
import { duration, listed, numbers, some, time } from './figures.js'

const CLOCK_SKEW_US = 500000 // as the alert GossipClockSkew has it
const NAMED_AT_MOST = 5
const SICK = 3 // of the 8 degrees of gossip_local_health

// The key is the same for as long as the problem is, however long that lasts.
const problem = (level, text) => ({ level, text, key: text.replace(/ for \d+ (?:s|min|h|d)\b/, '') })
const bad = (text) => problem('bad', text)
const warn = (text) => problem('warn', text)

export const nodeName = (node) => node.name && node.name !== node.client ? `Node ${node.number} (${node.name})` : `Node ${node.number} (${node.client})`
const named = (words) => words.length > NAMED_AT_MOST
  ? `${words.slice(0, NAMED_AT_MOST).join(', ')} and ${words.length - NAMED_AT_MOST} more` : listed(words)
const since = (ms) => ms === null || ms === undefined ? '' : ` for ${duration(ms)}`

function ofNode(node) {
  const problems = []
  if (node.state === 'dead') problems.push(bad(`${nodeName(node)} has been dead${since(node.stateMs)}: it answers nobody.`))
  if (node.state === 'left') problems.push(bad(`${nodeName(node)} has been stopped${since(node.stateMs)}: it said goodbye.`))
  if (node.state === 'suspect') problems.push(warn(`${nodeName(node)} is suspected: it does not answer just now.`))
  if (node.state === 'unknown') problems.push(bad(`${nodeName(node)} has not been heard of since this node started.`))
  if (!isLive(node.state)) return problems
  for (const reason of node.standing) {
    if (reason === 'slow-disk') problems.push(warn(`${nodeName(node)} has a slow disk: it gives its leads away where another node can take them.`))
    else if (reason === 'full-disk') problems.push(bad(`The disk of ${nodeName(node).replace(/^N/, 'n')} is full: it refuses writes until there is space.`))
    else if (reason === 'draining') problems.push(warn(`${nodeName(node)} is draining: it hands its shards over before it stops.`))
    else problems.push(warn(`${nodeName(node)} would rather not lead: ${reason}.`))
  }
  return problems
}

function shardsNamed(shards) {
  const data = shards.filter((shard) => shard.number !== 0).map((shard) => shard.number)
  const words = [...(shards.length > data.length ? ['the control shard'] : []),
    ...(data.length > 0 ? [`${data.length === 1 ? 'shard' : 'shards'} ${numbers(data)}`] : [])]
  const text = listed(words)
  return text[0].toUpperCase() + text.slice(1)
}

function ofShards(shards) {
  const problems = []
  const lost = shards.filter((shard) => shard.mayFail < 0)
  const leaderless = shards.filter((shard) => shard.mayFail >= 0 && shard.leader === null)
  if (lost.length > 0) {
    const [have, they] = lost.length === 1 ? ['has', 'it takes'] : ['have', 'they take']
    const least = Math.min(...lost.map((shard) => shard.live))
    const of = lost.find((shard) => shard.live === least).voters.length
    problems.push(bad(`${shardsNamed(lost)} ${have} no majority: ${least} of ${of} replicas ${least === 1 ? 'lives' : 'live'}. Until one is back ${they} no writes and no reads.`))
  }
  if (leaderless.length > 0) {
    problems.push(bad(`${shardsNamed(leaderless)} ${leaderless.length === 1 ? 'has' : 'have'} no leader that this node knows of; an election is awaited.`))
  }
  return problems
}

function ofVersions(nodes) {
  const byVersion = new Map()
  for (const node of nodes.filter(({ state, version }) => isLive(state) && version)) {
    byVersion.set(node.version, [...(byVersion.get(node.version) || []), node.number])
  }
  if (byVersion.size < 2) return []
  const parts = [...byVersion].map(([version, list]) => `${version} (${list.length === 1 ? 'node' : 'nodes'} ${numbers(list)})`)
  return [warn(`Not all nodes run the same version: ${listed(parts)}.`)]
}

function ofClocks(members) {
  return members.filter((member) => isLive(member.state) && member.clock_error_us > 0 &&
    Math.abs(member.clock_offset_us) - member.clock_error_us > CLOCK_SKEW_US).slice(0, NAMED_AT_MOST).map((member) =>
    warn(`The clock of ${member.name} is ${time(Math.abs(member.clock_offset_us) / 1e6)} ${member.clock_offset_us > 0 ? 'ahead of' : 'behind'} ` +
      'this node\'s. Keys expire by the clock of whoever leads their shard; check time synchronisation.'))
}

function ofNames(members) {
  const shared = [...new Set(members.filter((member) => member.name_shared).map((member) => member.name))]
  return shared.length > 0 ? [warn(`More than one member is called ${named(shared)}. Who asks for one by that name may get the other.`)] : []
}

function ofOthers(others) {
  const dead = others.filter((member) => member.state === 'dead')
  const [agents, spares] = [true, false].map((isAgent) => dead.filter((member) => (member.kind === 'agent') === isAgent).map((member) => member.name))
  return [...(agents.length > 0 ? [warn(`${some(agents.length, 'agent is', 'agents are')} dead: ${named(agents)}.`)] : []),
    ...(spares.length > 0 ? [warn(`${some(spares.length, 'member')} of no cluster, or of another one, ${spares.length === 1 ? 'is' : 'are'} dead: ${named(spares)}.`)] : [])]
}

// `gauges`: of /metrics, as metrics.js gives them.
function ofThisNode(facts, gauges) {
  const problems = []
  if (gauges.repairing > 0) problems.push(warn(`${some(gauges.repairing, 'replica')} of this node ${gauges.repairing === 1 ? 'gets' : 'get'} back from the peers what damage took.`))
  if (gauges.health >= SICK) problems.push(warn(`This node thinks itself sick (${gauges.health} of 8): it is late, or its network loses much; it accuses others more slowly.`))
  if (gauges.isDiskFull && facts.kind !== 'node') problems.push(bad('The disk of this node is full.'))
  if (gauges.memoryLimit > 0 && gauges.memoryUsed > gauges.memoryLimit) {
    problems.push(bad('This node holds more than maxmemory lets it: it refuses writes that need memory.'))
  }
  return problems
}

// The worst first.
export function problemsOf(facts, gauges, members) {
  const all = [...ofShards(facts.shards), ...facts.nodes.flatMap(ofNode), ...ofThisNode(facts, gauges), ...ofClocks(members),
    ...ofNames(members), ...ofVersions(facts.nodes), ...ofOthers(facts.others)]
  return [...all.filter(({ level }) => level === 'bad'), ...all.filter(({ level }) => level !== 'bad')]
}
