// Serf's agent over its RPC: MessagePack maps on a stream, as far as the bench needs them.
'use strict'
const net = require('net')

// ---- MessagePack ----

function pack(value) {
  if (typeof value === 'number') {
    if (value < 128) return Buffer.from([value])
    const bytes = Buffer.alloc(5)
    bytes[0] = 0xce
    bytes.writeUInt32BE(value, 1)
    return bytes
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    const head = Buffer.from([0xda, text.length >> 8, text.length & 255])
    return Buffer.concat([text.length < 32 ? Buffer.from([0xa0 | text.length]) : head, text])
  }
  const entries = Object.entries(value) // a map of fewer than 16
  return Buffer.concat([Buffer.from([0x80 | entries.length]), ...entries.flatMap(([key, one]) => [pack(key), pack(one)])])
}

class Short extends Error {}

function unpackFrom(bytes, start) {
  let at = start
  const need = (count) => {
    if (at + count > bytes.length) throw new Short()
    at += count
    return at - count
  }
  const number = { 0xcc: [1, 'readUInt8'], 0xcd: [2, 'readUInt16BE'], 0xce: [4, 'readUInt32BE'], 0xd0: [1, 'readInt8'], 0xd1: [2, 'readInt16BE'], 0xd2: [4, 'readInt32BE'], 0xca: [4, 'readFloatBE'], 0xcb: [8, 'readDoubleBE'] }
  const lengths = { 0xd9: [1, 'text'], 0xda: [2, 'text'], 0xdb: [4, 'text'], 0xc4: [1, 'text'], 0xc5: [2, 'text'], 0xc6: [4, 'text'], 0xdc: [2, 'list'], 0xdd: [4, 'list'], 0xde: [2, 'map'], 0xdf: [4, 'map'] }
  const made = {
    text: (count) => { const from = need(count); return bytes.toString('utf8', from, at) },
    list: (count) => Array.from({ length: count }, one),
    map: (count) => Object.fromEntries(Array.from({ length: count }, () => [one(), one()]))
  }
  function one() {
    const tag = bytes[need(1)]
    if (tag < 0x80) return tag
    if (tag < 0x90) return made.map(tag & 15)
    if (tag < 0xa0) return made.list(tag & 15)
    if (tag < 0xc0) return made.text(tag & 31)
    if (tag >= 0xe0) return tag - 256
    if (tag === 0xc0) return null
    if (tag === 0xc2 || tag === 0xc3) return tag === 0xc3
    if (tag === 0xcf) return Number(bytes.readBigUInt64BE(need(8)))
    if (tag === 0xd3) return Number(bytes.readBigInt64BE(need(8)))
    if (number[tag]) { const [size, method] = number[tag]; return bytes[method](need(size)) }
    if (lengths[tag]) { const [size, kind] = lengths[tag]; return made[kind](bytes.readUIntBE(need(size), size)) }
    throw new Error(`Serf sent the byte 0x${tag.toString(16)}, which is no MessagePack of its`)
  }
  const value = one()
  return { value, next: at }
}

// ---- the connection ----

// Each answer is a header {Seq, Error} and for most requests a body behind it. `onLog` hears the agent's log, line by line.
class SerfRpc {
  static async open(port, onLog) {
    const rpc = new SerfRpc()
    rpc.onLog = onLog
    rpc.held = Buffer.alloc(0)
    rpc.sequence = 0
    rpc.waiting = new Map()
    rpc.streams = new Set()
    rpc.header = null
    rpc.socket = net.connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => rpc.socket.once('connect', resolve).once('error', reject))
    rpc.socket.on('error', () => {})
    rpc.socket.on('close', () => rpc.waiting.forEach(({ reject }) => reject(new Error('Serf closed the connection'))))
    rpc.socket.on('data', (chunk) => rpc.take(chunk))
    await rpc.call('handshake', { Version: 1 })
    return rpc
  }
  call(command, body, { hasAnswer = false, isStream = false } = {}) {
    const sequence = this.sequence++
    this.socket.write(Buffer.concat([pack({ Command: command, Seq: sequence }), body ? pack(body) : Buffer.alloc(0)]))
    return new Promise((resolve, reject) => this.waiting.set(sequence, { resolve, reject, hasAnswer, isStream }))
  }
  take(chunk) {
    this.held = this.held.length ? Buffer.concat([this.held, chunk]) : chunk
    let at = 0
    try {
      for (;;) {
        const { value, next } = unpackFrom(this.held, at)
        this.handle(value)
        at = next
      }
    } catch (error) {
      if (!(error instanceof Short)) throw error
    }
    this.held = this.held.subarray(at)
  }
  handle(value) {
    if (this.header) {
      const { Seq } = this.header
      this.header = null
      if (this.streams.has(Seq)) this.onLog(value.Log)
      else { this.waiting.get(Seq).resolve(value); this.waiting.delete(Seq) }
      return
    }
    const waiting = this.waiting.get(value.Seq)
    if (this.streams.has(value.Seq) || (waiting?.hasAnswer && !value.Error)) { this.header = value; return }
    this.waiting.delete(value.Seq)
    if (waiting?.isStream && !value.Error) this.streams.add(value.Seq)
    if (value.Error) waiting?.reject(new Error(`Serf answers: ${value.Error}`))
    else waiting?.resolve()
  }
  members() { return this.call('members', null, { hasAnswer: true }) }
  // Not its stream of events: these the agent gathers for a second before it tells them.
  watch() { return this.call('monitor', { LogLevel: 'INFO' }, { isStream: true }) }
  setTag(name, value) { return this.call('tags', { Tags: { [name]: value } }) }
  close() { this.socket.destroy() }
}

module.exports = { SerfRpc }
