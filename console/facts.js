// What follows from a node's /status: who lives, who leads, how many may still fail. Pure.

const LIVE = new Set(['alive', 'suspect', 'joining'])
export const isLive = (state) => LIVE.has(state)

const ADDRESS = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]):\d{1,5}$/i

// Where another node's console is; null where what it says of itself is no address. What members say is a stranger's text.
export function consoleOf(admin) {
  return ADDRESS.test(admin || '') ? `http://${admin}/` : null
}

// A fresh list of nodes, each with what gossip says of it.
function nodesOf(status, membersById) {
  const { cluster } = status
  return cluster.nodes.map((node) => {
    const member = membersById.get(node.id.slice(0, 32))
    const isSelf = node.number === cluster.node
    const host = node.host.includes(':') ? `[${node.host}]` : node.host
    return {
      number: node.number,
      name: member ? member.name : '',
      client: `${host}:${node.client_port}`,
      admin: `${host}:${node.admin_port}`,
      state: isSelf ? 'alive' : member ? member.state : 'unknown',
      stateMs: member ? member.state_ms : null,
      roundTripUs: member ? member.round_trip_us : 0,
      version: isSelf ? status.version : member ? member.version : '',
      standing: member ? member.standing.split(',').filter(Boolean) : [],
      zone: member ? member.zone : '',
      isSelf,
      leads: cluster.shards.filter((shard) => shard.number !== 0 && shard.leader === node.number).length,
      hosts: cluster.shards.filter((shard) => shard.number !== 0 && shard.replicas.includes(node.number)).length
    }
  })
}

// Of those who have a vote, how many may fail so that a majority is left; below 0: there is none.
export function spareVotes(voters, liveNodes) {
  const live = voters.filter((number) => liveNodes.has(number)).length
  return live - (Math.floor(voters.length / 2) + 1)
}

function shardsOf(status, liveNodes) {
  const replicas = new Map(status.replicas.map((replica) => [replica.shard, replica]))
  return status.cluster.shards.map((shard) => {
    const here = replicas.get(shard.number)
    // Who votes is known to those who replicate the shard; others know who is to. In a joint configuration both must agree.
    const voters = here && here.voters.length > 0 ? here.voters : shard.replicas
    const groups = here && here.old_voters.length > 0 ? [voters, here.old_voters] : [voters]
    return {
      number: shard.number,
      slots: shard.slots,
      leader: shard.leader,
      term: shard.term,
      replicas: shard.replicas,
      voters,
      live: voters.filter((number) => liveNodes.has(number)).length,
      mayFail: Math.min(...groups.map((group) => spareVotes(group, liveNodes))),
      isChanging: !shard.is_settled || groups.length > 1,
      isHere: Boolean(here),
      followers: here && here.role === 'leader' ? here.followers : null
    }
  })
}

// Agents and spares. Who left is not missed, nor who was removed from this cluster, nor who died where another one lives now.
function othersOf(status, nodes) {
  const known = new Set(status.cluster ? status.cluster.nodes.map((node) => node.id.slice(0, 32)) : [])
  const wasRemoved = (member) => Boolean(status.cluster) && member.cluster === status.cluster.id
  const taken = new Set([...nodes.filter((node) => isLive(node.state)).map((node) => node.client),
    ...status.members.filter((member) => isLive(member.state) && member.client).map((member) => member.client)])
  return status.members.filter((member) => !known.has(member.id)).filter((member) => isLive(member.state) ||
    !(member.state === 'left' || wasRemoved(member) || (member.client && taken.has(member.client))))
}

// All that the page shows of a /status.
export function understand(status) {
  const self = status.members.find((member) => member.self)
  const nodes = status.cluster ? nodesOf(status, new Map(status.members.map((member) => [member.id, member]))) : []
  const liveNodes = new Set(nodes.filter((node) => isLive(node.state)).map((node) => node.number))
  const shards = status.cluster ? shardsOf(status, liveNodes) : []
  return {
    kind: self && self.kind === 'agent' ? 'agent' : status.cluster ? 'node' : 'spare',
    self,
    version: status.version,
    clusterId: status.cluster ? status.cluster.id : '',
    durability: status.durability,
    counts: status.member_counts,
    leftOut: status.members_left_out,
    nodes,
    shards,
    mayFail: shards.length > 0 ? Math.min(...shards.map((shard) => shard.mayFail)) : null,
    others: othersOf(status, nodes)
  }
}
