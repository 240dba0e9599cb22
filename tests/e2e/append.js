// Texts to which many clients append numbers that nobody else appends, and read: the workload with which Jepsen found its faults,
// because such a list shows its whole past. What a history must be, and checks() holds it to:
//   acknowledged   an append that was answered is in the list, once
//   refused        an append that was answered by an error which says that it was not done is not there
//   one past       every list that was read is a prefix of the final one, and no read is behind what was acknowledged before it began
'use strict';
const assert = require('node:assert');
const {Connection, sleep, until, within} = require('./cluster.js');

const ANSWER_MS = 3000;
const LOST = new Error('the connection ended before the reply');
const isError = (reply) => reply instanceof Error;
const isUnknown = (reply) => reply === LOST || reply.message.startsWith('UNKNOWN');
const numbersOf = (text) => (text ?? '').split(',').slice(0, -1).map(Number);

class Client {
  constructor(cluster, history, number) {
    Object.assign(this, {cluster, history, number, at: number % cluster.nodes.length, connection: null});
  }
  // Whom to ask next, after a redirection or when a node does not answer.
  turnTo(reply) {
    const moved = /^MOVED \d+ [^:]*:(\d+)/.exec(reply.message);
    const index = moved ? this.cluster.nodes.findIndex((node) => node.port === Number(moved[1])) : -1;
    const next = index >= 0 ? index : (this.at + 1) % this.cluster.nodes.length;
    if (next !== this.at) this.drop();
    this.at = next;
  }
  drop() {
    this.connection?.close();
    this.connection = null;
  }
  // The reply; LOST when nobody knows what came of it.
  async ask(...words) {
    try {
      this.connection ??= await within(Connection.open(this.cluster.nodes[this.at].port), ANSWER_MS, 'connecting');
    } catch (error) {
      this.turnTo(error);
      return new Error('not sent');
    }
    try {
      return await within(this.connection.ask(...words), ANSWER_MS, words[0]);
    } catch {
      this.drop();
      this.turnTo(LOST);
      return LOST;
    }
  }
  async append() {
    const {history} = this, key = history.key(), number = history.next++;
    const reply = await this.ask('APPEND', key, `${number},`);
    if (typeof reply === 'number') history.acknowledged(key, number);
    else if (!isUnknown(reply)) history.refused.push([key, number, reply.message]);
    else if (reply !== LOST) history.unknown++;
    if (typeof reply !== 'number') this.turnTo(reply);
    return typeof reply === 'number';
  }
  async read() {
    const {history} = this, key = history.key(), least = history.lengthOf(key);
    const reply = await this.ask('GET', key);
    if (isError(reply)) return this.turnTo(reply);
    assert.match(String(reply ?? ''), /^(\d+,)*$/, 'what is read is what was appended');
    history.reads.push({key, least, list: numbersOf(reply)});
  }
  async run() {
    while (!this.history.isEnding) {
      const isDone = this.number % 3 ? await this.append() : await this.read();
      if (isDone === false) await sleep(5);
    }
    this.drop();
  }
}

class History {
  constructor(keys) {
    this.keys = keys;
    this.next = 1;
    this.appended = new Map(); // key -> numbers that were acknowledged
    this.refused = [];
    this.unknown = 0; // so many were told that nobody knows
    this.reads = [];
    this.isEnding = false;
  }
  key() { return `list:${Math.floor(Math.random() * this.keys)}`; }
  acknowledged(key, number) { this.appended.set(key, [...(this.appended.get(key) ?? []), number]); }
  lengthOf(key) { return this.appended.get(key)?.length ?? 0; }
  get count() { return [...this.appended.values()].reduce((sum, list) => sum + list.length, 0); }

  check(final) {
    for (const [key, numbers] of this.appended) {
      const there = new Set(final.get(key));
      assert.deepStrictEqual(numbers.filter((number) => !there.has(number)), [], `acknowledged appends that are lost from ${key}`);
      assert.strictEqual(there.size, final.get(key).length, `${key} holds a number twice`);
    }
    for (const [key, number, reply] of this.refused)
      assert.ok(!final.get(key)?.includes(number), `${number} is in ${key} although it was refused: ${reply}`);
    for (const {key, least, list} of this.reads) {
      assert.deepStrictEqual(list, (final.get(key) ?? []).slice(0, list.length), `${key} had another past`);
      assert.ok(list.length >= least, `a read of ${key} found ${list.length}, and ${least} were acknowledged before it began`);
    }
  }
}

// Runs clients against the cluster until end(), which reads all lists and checks the history.
function startAppends(t, cluster, {clients = 12, keys = 6} = {}) {
  const history = new History(keys);
  t.after(() => { history.isEnding = true; });
  const runs = Array.from({length: clients}, (_, i) => new Client(cluster, history, i).run());
  const readWhole = async (key) => {
    const reader = new Client(cluster, history, 0);
    const [list] = await until(`${key} is read`, async () => {
      const reply = await reader.ask('GET', key);
      if (!isError(reply)) return [numbersOf(reply)];
      reader.turnTo(reply);
    });
    reader.drop();
    return list;
  };
  return {
    history,
    async end(least = 200) {
      await until('enough was done to tell', async () => history.count >= least && history.reads.length > 20);
      history.isEnding = true;
      await Promise.all(runs);
      const final = new Map();
      for (let i = 0; i < keys; i++) final.set(`list:${i}`, await readWhole(`list:${i}`));
      history.check(final);
      return final;
    },
  };
}

module.exports = {startAppends, History};
