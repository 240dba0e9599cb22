// The commands of redis-compare.js: edge cases by hand (redis-compare.txt), and random ones by seed. Bytes are latin1 strings.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// One command a line, arguments apart by spaces; "..." keeps spaces and knows \n \r \\ \" and \xNN; (c*n) is c repeated.
const SCRIPT = fs.readFileSync(path.join(__dirname, 'redis-compare.txt'), 'latin1');

function readWord(line, at) {
  let word = '';
  if (line[at] === '"') {
    for (at++; line[at] !== '"'; at++) {
      if (line[at] !== '\\') { word += line[at]; continue; }
      const escape = line[++at];
      if (escape === 'x') { word += String.fromCharCode(parseInt(line.slice(at + 1, at + 3), 16)); at += 2; }
      else word += { n: '\n', r: '\r' }[escape] || escape;
    }
    return [word, at + 1];
  }
  while (at < line.length && line[at] !== ' ') word += line[at++];
  const repeated = /^\((.)\*(\d+)\)$/.exec(word);
  return [repeated ? repeated[1].repeat(Number(repeated[2])) : word, at];
}

function readLine(line) {
  const words = [];
  for (let at = 0; at < line.length; at++) {
    const [word, next] = readWord(line, at);
    words.push(word);
    at = next;
  }
  return words;
}

const HAND_PICKED = SCRIPT.split('\n').filter((line) => line !== '').map(readLine);

// ---- random ones

function randomSource(seed) { // mulberry32
  let state = (seed * 2654435761) >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

function randomCommands(seed, count) {
  const below = randomSource(seed);
  const pick = (list) => list[below(list.length)];
  const chance = (percent) => below(100) < percent;
  const key = () => `{k}${below(12)}`;
  const field = () => (chance(5) ? 'f'.repeat(60 + below(10)) : `f${below(chance(20) ? 300 : 10)}`);
  const integer = () => pick(['0', '1', '-1', '7', '10', '-10', '100', String(below(100000)), '9223372036854775807',
    '-9223372036854775808', '9223372036854775808', '-0', '+1', '01', '1.5', 'x', '', ' 1']);
  const small = () => (chance(90) ? String(below(40) - 20) : integer());
  const float = () => pick(['0', '1', '-1', '0.1', '2.50', '1e3', '-3.14159265358979', '1e-7', '123456789.123456789', '1e18', 'inf',
    'nan', 'x', '', String(below(1000000) / 1000)]);
  const value = () => pick([integer, integer, float, () => 'v'.repeat(below(100)), () => 'w'.repeat(40 + below(8)),
    () => `v${below(1000)}`, () => String.fromCharCode(below(256), below(256), below(256))])();
  const times = (maximum, make) => Array.from({ length: 1 + below(maximum) }, make);
  // Seconds apart, so that GT and LT give one answer whatever the two clocks say.
  const seconds = () => 1000 + 10 * below(1000000);
  const far = () => (chance(60) ? String(seconds()) : pick(['0', '-1', 'x', '9223372036854775807']));
  const farMs = () => (chance(60) ? String(seconds() * 1000 + 5000) : pick(['0', '-1', 'x', '9223372036854775807']));
  const at = () => pick(['4000000000', '4100000000', '1', '0', '-1', 'x', '9223372036854775807']);
  const atMs = () => pick(['4000000000123', '4100000000500', '1', '0', '-1', 'x', '9223372036854775807']);
  const expiry = () => pick([() => ['EX', far()], () => ['PX', farMs()], () => ['EXAT', at()], () => ['PXAT', atMs()]])();
  const setOption = () => pick([() => ['NX'], () => ['XX'], () => ['GET'], () => ['KEEPTTL'], expiry, expiry, () => ['junk']])();
  const condition = () => (chance(50) ? [] : times(2, () => pick(['NX', 'XX', 'GT', 'LT', 'lt', 'junk'])));
  const options = (make, maximum) => (chance(50) ? [] : times(maximum, make).flat());
  const matching = () => pick(['*', 'f*', '*1*', '{k}?', '{k}[0-5]', '[^f]*', '']);
  const table = [
    [8, () => ['SET', key(), value()]], [8, () => ['SET', key(), value(), ...options(setOption, 3)]], [8, () => ['GET', key()]],
    [2, () => ['SETEX', key(), far(), value()]], [2, () => ['PSETEX', key(), farMs(), value()]], [2, () => ['SETNX', key(), value()]],
    [2, () => ['GETSET', key(), value()]], [2, () => ['GETDEL', key()]],
    [3, () => ['GETEX', key(), ...options(() => pick([expiry, () => ['PERSIST'], () => ['junk']])(), 2)]],
    [3, () => ['MGET', ...times(4, key)]], [2, () => ['MSET', ...times(3, () => [key(), value()]).flat()]],
    [1, () => ['MSETNX', ...times(2, () => [key(), value()]).flat()]], [1, () => ['MSET', ...times(4, key)]],
    [4, () => ['APPEND', key(), value()]], [3, () => ['STRLEN', key()]], [4, () => ['GETRANGE', key(), small(), small()]],
    [4, () => ['SETRANGE', key(), chance(90) ? String(below(60)) : integer(), value()]], [4, () => ['INCR', key()]], [3, () => ['DECR', key()]],
    [3, () => ['INCRBY', key(), integer()]], [3, () => ['DECRBY', key(), integer()]], [5, () => ['INCRBYFLOAT', key(), float()]],
    [4, () => ['DEL', ...times(3, key)]], [1, () => ['UNLINK', ...times(3, key)]], [3, () => ['EXISTS', ...times(4, key)]],
    [3, () => ['TYPE', key()]], [1, () => ['TOUCH', ...times(3, key)]], [3, () => ['RENAME', key(), key()]], [3, () => ['RENAMENX', key(), key()]],
    [4, () => ['COPY', key(), key(), ...options(() => pick([['REPLACE'], ['DB', '0'], ['junk']]), 2)]],
    [3, () => ['EXPIRE', key(), far(), ...condition()]], [3, () => ['PEXPIRE', key(), farMs(), ...condition()]],
    [2, () => ['EXPIREAT', key(), at(), ...condition()]], [2, () => ['PEXPIREAT', key(), atMs(), ...condition()]],
    [4, () => [pick(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']), key()]], [3, () => ['PERSIST', key()]],
    [6, () => ['OBJECT', 'ENCODING', key()]], [1, () => ['OBJECT', 'REFCOUNT', key()]], [1, () => ['KEYS', matching()]], [1, () => ['DBSIZE']],
    [1, () => ['SCAN', '0', 'COUNT', '100000', ...options(() => pick([['MATCH', matching()], ['TYPE', pick(['string', 'hash', 'list'])]]), 2)]],
    [1, () => ['RANDOMKEY']], [1, () => ['SET', `k${below(100)}`, value()]], [1, () => ['DEL', `k${below(100)}`]],
    [10, () => ['HSET', key(), ...times(4, () => [field(), value()]).flat()]], [2, () => ['HSETNX', key(), field(), value()]],
    [1, () => ['HMSET', key(), ...times(3, field)]], [4, () => ['HGET', key(), field()]], [3, () => ['HMGET', key(), ...times(4, field)]],
    [4, () => ['HGETALL', key()]], [5, () => ['HDEL', key(), ...times(4, field)]], [2, () => ['HEXISTS', key(), field()]],
    [4, () => ['HINCRBY', key(), field(), integer()]], [4, () => ['HINCRBYFLOAT', key(), field(), float()]], [2, () => ['HKEYS', key()]],
    [2, () => ['HVALS', key()]], [3, () => ['HLEN', key()]], [2, () => ['HSTRLEN', key(), field()]],
    [2, () => ['HSCAN', key(), '0', 'COUNT', '100000', ...options(() => ['MATCH', matching()], 1)]],
    [2, () => ['HRANDFIELD', key(), ...(chance(50) ? [] : [small(), ...(chance(50) ? ['WITHVALUES'] : [])])]],
  ];
  const weighted = table.flatMap(([weight, make]) => Array(weight).fill(make));
  const mangle = (command) => { // now and then one argument too few or too many
    if (chance(2)) command.pop();
    else if (chance(2)) command.push(value());
    return command.length ? command : ['PTTL'];
  };
  return Array.from({ length: count }, () => mangle(pick(weighted)()));
}

module.exports = { HAND_PICKED, randomCommands, randomSource };
