// The commands of redis-compare.js: edge cases by hand, and random ones by seed. Bytes are latin1 strings.
'use strict';

// One command a line, arguments apart by spaces; "..." keeps spaces and knows \n \r \\ \" and \xNN; (c*n) is c repeated.
const SCRIPT = String.raw`
SET {k}a 1
GET {k}a
SET {k}a
SET {k}a 1 NX XX
SET {k}a 1 XX NX
SET {k}a 1 NX NX
SET {k}a 2 XX GET
SET {k}a 3 NX GET
SET {k}none 3 NX GET
SET {k}a 3 GET NX EX 100
SET {k}a 1 EX
SET {k}a 1 EX 0
SET {k}a 1 EX -1
SET {k}a 1 EX abc
SET {k}a 1 EX 1.5
SET {k}a 1 EX " 1"
SET {k}a 1 EX 9223372036854775807
SET {k}a 1 EX 9223372036854775
SET {k}a 1 EX 9223372036854774
SET {k}a 1 PX 9223372036854775807
SET {k}a 1 PX 0
SET {k}a 1 EXAT 0
SET {k}a 1 EXAT 1
GET {k}a
SET {k}a 1 PXAT 9223372036854775807
PEXPIRETIME {k}a
EXPIRETIME {k}a
SET {k}a 1 EX 100 PX 100
SET {k}a 1 EX 100 EX 200
SET {k}a 1 EX 100 KEEPTTL
SET {k}a 1 KEEPTTL EX 100
SET {k}a 1 KEEPTTL KEEPTTL
SET {k}a 1 PERSIST
SET {k}a 1 ex 1000 get
TTL {k}a
SET {k}a 2 KEEPTTL
TTL {k}a
SET {k}a 2
TTL {k}a
SET {k}a 1 EX 0 GET
HSET {k}h f v
SET {k}h 1 GET
SET {k}h 1 NX
SET {k}h 1 NX GET
SETEX {k}h 100 v
TYPE {k}h
SETEX {k}a 0 v
SETEX {k}a -5 v
SETEX {k}a x v
SETEX {k}a 9223372036854775807 v
PSETEX {k}a 0 v
PSETEX {k}a 100000 v
PSETEX {k}a 9223372036854775807 v
SETNX {k}a 1
SETNX {k}n1 1
GETSET {k}n1 abc
GETSET {k}n2 abc
OBJECT ENCODING {k}n2
DEL {k}h
HSET {k}h f v
GETSET {k}h 1
GETDEL {k}h
GETDEL {k}n2
GETDEL {k}n2
GETEX {k}n1
GETEX {k}n1 EX 100
TTL {k}n1
GETEX {k}n1 PERSIST
TTL {k}n1
GETEX {k}n1 PERSIST EX 1
GETEX {k}n1 EX 1 PERSIST
GETEX {k}n1 PERSIST PERSIST
GETEX {k}n1 EX 0
GETEX {k}n1 EX abc
GETEX {k}n1 EX
GETEX {k}n1 KEEPTTL
GETEX {k}n1 NX
GETEX {k}absent EX 0
GETEX {k}absent EX abc
GETEX {k}absent FOO
GETEX {k}h EX 0
GETEX {k}n1 EXAT 1
EXISTS {k}n1
MGET {k}a {k}h {k}none {k}a
MSET {k}m1 1 {k}m2 2
MSET {k}m1 1 {k}m2
MSET {k}m1
MSETNX {k}m1 1 {k}m9 2
EXISTS {k}m9
MSETNX {k}m8 1 {k}m9 2
MSETNX {k}m7 1 {k}m7 2
GET {k}m7
MSETNX {k}m8 1 {k}m9
MSET {k}dup 1 {k}dup 2
GET {k}dup
APPEND {k}ap 12
OBJECT ENCODING {k}ap
APPEND {k}ap 3
OBJECT ENCODING {k}ap
GET {k}ap
INCR {k}ap
OBJECT ENCODING {k}ap
APPEND {k}ap ""
OBJECT ENCODING {k}ap
APPEND {k}ap2 ""
OBJECT ENCODING {k}ap2
EXISTS {k}ap2
STRLEN {k}ap2
APPEND {k}h x
STRLEN {k}h
STRLEN {k}none
STRLEN {k}ap
SET {k}e (x*44)
OBJECT ENCODING {k}e
SET {k}e (x*45)
OBJECT ENCODING {k}e
SET {k}e 12345678901234567890
OBJECT ENCODING {k}e
SET {k}e 9223372036854775807
OBJECT ENCODING {k}e
SET {k}e -9223372036854775808
OBJECT ENCODING {k}e
SET {k}e 00012
OBJECT ENCODING {k}e
SET {k}e -0
OBJECT ENCODING {k}e
SET {k}e "1 "
OBJECT ENCODING {k}e
SET {k}e ""
OBJECT ENCODING {k}e
OBJECT ENCODING {k}none
OBJECT REFCOUNT {k}none
SET {k}e 5
OBJECT REFCOUNT {k}e
SET {k}e 9999
OBJECT REFCOUNT {k}e
SET {k}e 10000
OBJECT REFCOUNT {k}e
SET {k}e -1
OBJECT REFCOUNT {k}e
OBJECT FREQ {k}e
OBJECT FREQ {k}none
OBJECT
OBJECT FOO
OBJECT foo {k}e
OBJECT ENCODING
OBJECT ENCODING {k}e x
OBJECT HELP x
OBJECT "" x
object|encoding {k}e
SET {k}r "Hello World"
GETRANGE {k}r 0 4
GETRANGE {k}r -5 -1
GETRANGE {k}r 0 -1
GETRANGE {k}r 5 3
GETRANGE {k}r -1 -5
GETRANGE {k}r 100 200
GETRANGE {k}r 0 -100
GETRANGE {k}r -100 0
GETRANGE {k}r -100 100
GETRANGE {k}r 9223372036854775807 9223372036854775807
GETRANGE {k}r -9223372036854775808 -9223372036854775808
GETRANGE {k}r -9223372036854775808 9223372036854775807
GETRANGE {k}r a 1
GETRANGE {k}r 0 b
GETRANGE {k}none 0 -1
GETRANGE {k}none a -1
GETRANGE {k}h 0 -1
GETRANGE {k}h a -1
SUBSTR {k}r 0 4
SUBSTR {k}r 0
SETRANGE {k}r 6 Redis
GET {k}r
SETRANGE {k}r 15 end
GET {k}r
SETRANGE {k}r 0 ""
SETRANGE {k}none 5 ""
EXISTS {k}none
SETRANGE {k}new 5 x
GET {k}new
OBJECT ENCODING {k}new
SETRANGE {k}new -1 x
SETRANGE {k}new a x
SETRANGE {k}new 536870912 x
SETRANGE {k}new 536870911 ""
SETRANGE {k}none2 536870912 x
SETRANGE {k}none2 9223372036854775807 x
SETRANGE {k}h 0 x
SETRANGE {k}h 0 ""
SETRANGE {k}h -1 ""
SET {k}i 10
SETRANGE {k}i 1 2
OBJECT ENCODING {k}i
INCR {k}i
OBJECT ENCODING {k}i
DECR {k}i
INCRBY {k}i 5
INCRBY {k}i -5
INCRBY {k}i 1.5
INCRBY {k}i 9223372036854775807
DECRBY {k}i 9223372036854775807
DECRBY {k}i -9223372036854775808
DECRBY {k}i abc
INCRBY {k}i -9223372036854775808
INCRBY {k}i -9223372036854775808
GET {k}i
SET {k}i "10 "
INCR {k}i
SET {k}i 0x10
INCR {k}i
SET {k}i ""
INCR {k}i
SET {k}i 007
INCR {k}i
SET {k}i -0
INCR {k}i
SET {k}i 9223372036854775808
INCR {k}i
SET {k}i 1.0
INCR {k}i
INCR {k}h
INCR
DECRBY {k}h abc
SET {k}f 10.5
INCRBYFLOAT {k}f 0.1
OBJECT ENCODING {k}f
INCRBYFLOAT {k}f -5
INCRBYFLOAT {k}f 5.0e3
INCRBYFLOAT {k}f abc
INCRBYFLOAT {k}f ""
INCRBYFLOAT {k}f " 1"
INCRBYFLOAT {k}f "1 "
INCRBYFLOAT {k}f nan
INCRBYFLOAT {k}f inf
INCRBYFLOAT {k}f -inf
INCRBYFLOAT {k}f infinity
INCRBYFLOAT {k}f 1e400
INCRBYFLOAT {k}f 0x10
SET {k}f 3
INCRBYFLOAT {k}f 0
OBJECT ENCODING {k}f
INCRBYFLOAT {k}f 1
GET {k}f
INCR {k}f
OBJECT ENCODING {k}f
SET {k}f 0
INCRBYFLOAT {k}f -0
INCRBYFLOAT {k}f -0.0
SET {k}f 1e17
INCRBYFLOAT {k}f 1
SET {k}f 1e30
INCRBYFLOAT {k}f 1.5
INCRBYFLOAT {k}f 1e300
OBJECT ENCODING {k}f
SET {k}f 1e-20
INCRBYFLOAT {k}f 1e-20
SET {k}f 0.1
INCRBYFLOAT {k}f 0.2
SET {k}f 17179869184
INCRBYFLOAT {k}f 1.123456789012345678
SET {k}f 1.7976931348623157e308
INCRBYFLOAT {k}f 1.7976931348623157e308
SET {k}f 1e4931
INCRBYFLOAT {k}f 1e4932
SET {k}f inf
INCRBYFLOAT {k}f 1
SET {k}f " 3"
INCRBYFLOAT {k}f 1
INCRBYFLOAT {k}h 1
INCRBYFLOAT {k}h abc
INCRBYFLOAT {k}fnew 3.0
SET {k}f 5 EX 1000
INCRBYFLOAT {k}f 1
TTL {k}f
SET {k}t 5 EX 1000
INCR {k}t
APPEND {k}t 1
SETRANGE {k}t 1 2
TTL {k}t
DEL {k}t {k}t {k}none
UNLINK {k}f {k}f
EXISTS {k}a {k}a {k}none
TOUCH {k}a {k}a {k}none
DEL
TYPE {k}a
TYPE {k}none
TYPE {k}h
RENAME {k}none {k}x
RENAME {k}none {k}none
RENAMENX {k}none {k}none
SET {k}a 1 EX 1000
RENAME {k}a {k}a
RENAMENX {k}a {k}a
RENAME {k}a {k}b
TTL {k}b
SET {k}c 2
RENAME {k}c {k}b
TTL {k}b
RENAMENX {k}b {k}h
RENAMENX {k}b {k}bb
RENAME {k}h {k}hh
HGETALL {k}hh
RENAME {k}hh {k}bb
TYPE {k}bb
RENAME {k}bb {k}h
COPY {k}h {k}h
COPY {k}none {k}none
COPY {k}none {k}x
COPY {k}h {k}hc
HGETALL {k}hc
HSET {k}hc f w
HGETALL {k}h
COPY {k}h {k}hc
COPY {k}h {k}hc REPLACE
HGETALL {k}hc
COPY {k}h {k}hc REPLACE REPLACE
COPY {k}h {k}hc DB 0 REPLACE
COPY {k}h {k}hc DB 1
COPY {k}h {k}hc DB -1
COPY {k}h {k}hc DB abc
COPY {k}h {k}hc DB 99999999999
COPY {k}h {k}hc DB 2147483647
COPY {k}h {k}hc DB
COPY {k}h {k}hc FOO
SET {k}s 1 EX 1000
COPY {k}s {k}s2
TTL {k}s2
OBJECT ENCODING {k}s2
SET {k}s 1
EXPIRE {k}s 100
TTL {k}s
EXPIRE {k}s 200 NX
EXPIRE {k}s 200 XX
EXPIRE {k}s 100 GT
EXPIRE {k}s 300 GT
EXPIRE {k}s 400 LT
EXPIRE {k}s 100 LT
EXPIRE {k}s 100 NX XX
EXPIRE {k}s 100 NX GT
EXPIRE {k}s 100 NX LT
EXPIRE {k}s 100 GT LT
EXPIRE {k}s 100 XX GT
EXPIRE {k}s 100 XX LT
EXPIRE {k}s 100 XX XX
EXPIRE {k}s 100 NX NX
EXPIRE {k}s 100 FOO
EXPIRE {k}s abc FOO
EXPIRE {k}s abc
EXPIRE {k}s 100 NX XX FOO
EXPIRE {k}s 1.5
EXPIRE {k}s
EXPIRE {k}none 100
EXPIRE {k}none abc
EXPIRE {k}none 9223372036854775807
EXPIRE {k}s 9223372036854775807
EXPIRE {k}s 9223372036854775
EXPIRE {k}s -9223372036854775808
EXPIRE {k}s -9223372036854775809
PEXPIRE {k}s 9223372036854775807
PEXPIRE {k}s 9223370000000000000
PEXPIRETIME {k}s
PEXPIREAT {k}s 9223372036854775807
PEXPIRETIME {k}s
TTL {k}s
EXPIREAT {k}s 9223372036854775
EXPIRETIME {k}s
EXPIREAT {k}s 9223372036854776
EXPIREAT {k}s 9999999999
EXPIRETIME {k}s
PEXPIREAT {k}s 9999999999499
EXPIRETIME {k}s
PEXPIREAT {k}s 9999999999500
EXPIRETIME {k}s
PERSIST {k}s
PERSIST {k}s
PERSIST {k}none
TTL {k}s
PTTL {k}s
TTL {k}none
PTTL {k}none
EXPIRETIME {k}s
EXPIRETIME {k}none
PEXPIRETIME {k}none
EXPIRE {k}s 100 GT
EXPIRE {k}s 100 LT
EXPIRE {k}s 0
EXISTS {k}s
SET {k}s 1
EXPIRE {k}s -1
EXISTS {k}s
SET {k}s 1
PEXPIRE {k}s -9223372036854775808
EXISTS {k}s
SET {k}s 1
EXPIREAT {k}s 0
EXISTS {k}s
SET {k}s 1
EXPIRE {k}s 0 GT
EXPIRE {k}s -5 NX
EXISTS {k}s
SET {k}s 1 EX 500
EXPIRE {k}s -5 LT
EXISTS {k}s
HSET {k}ho f v
EXPIRE {k}ho 100
HSET {k}ho g v
TTL {k}ho
PERSIST {k}ho
FLUSHALL FOO
FLUSHALL ASYNC SYNC
FLUSHDB FOO
FLUSHALL async
DBSIZE
RANDOMKEY
SET {k}one 1
RANDOMKEY
DBSIZE
DBSIZE x
SET "" emptyname
GET ""
KEYS *
KEYS ""
KEYS "{k}*"
KEYS "*o[nm]e"
KEYS "{k}on?"
KEYS "{k}\\one"
KEYS
SCAN 0 COUNT 1000
SCAN 0 MATCH * COUNT 1000
SCAN 0 MATCH "{k}*" COUNT 1000
SCAN 0 COUNT 1000 TYPE string
SCAN 0 COUNT 1000 TYPE STRING
SCAN 0 COUNT 1000 TYPE hash
SCAN 0 COUNT 1000 TYPE nosuch
SCAN abc
SCAN -
SCAN 1x
SCAN " 1"
SCAN 18446744073709551616
SCAN 0 COUNT 0
SCAN 0 COUNT -1
SCAN 0 COUNT abc
SCAN 0 COUNT
SCAN 0 MATCH
SCAN 0 TYPE
SCAN 0 FOO bar
SCAN "" COUNT 1000
SCAN 0 COUNT 1000 COUNT 2000
SCAN
FLUSHDB SYNC
NOSUCH
NOSUCH a b c
nosuch "with space" (y*200) z
nosuch (y*60) (y*60) (y*60) z
(n*200) a
"no\r\nsuch" "a\r\nb"
"" a
GET
GET a b
get {k}one
GeT {k}one
SET
MGET
HSET {k}h
HSET {k}h f
HSET {k}h f v g
HSET {k}h f v g w f x
HGETALL {k}h
HMSET {k}h f v g
HMSET {k}h f v
HSETNX {k}h f y
HSETNX {k}h z y
HGET {k}h f
HGET {k}h none
HGET {k}none f
HMGET {k}h f none g
HMGET {k}none f g
HDEL {k}h z z none
HDEL {k}none z
HEXISTS {k}h f
HEXISTS {k}h q
HLEN {k}h
HLEN {k}none
HSTRLEN {k}h f
HSTRLEN {k}h none
HKEYS {k}h
HVALS {k}h
HKEYS {k}none
HGETALL {k}none
HINCRBY {k}h n 5
HINCRBY {k}h n abc
HINCRBY {k}h f 1
HINCRBY {k}h n 9223372036854775807
HINCRBY {k}h n -9223372036854775808
HINCRBYFLOAT {k}h n 1.5
HINCRBYFLOAT {k}h n abc
HINCRBYFLOAT {k}h f 1
HINCRBYFLOAT {k}h n inf
HINCRBYFLOAT {k}h n nan
HINCRBYFLOAT {k}h q 3.0e3
HINCRBY {k}h q 1
HINCRBY {k}h n 1
HSCAN {k}h 0
HSCAN {k}h 0 MATCH f*
HSCAN {k}h 0 COUNT 0
HSCAN {k}h abc
HSCAN {k}none abc
HSCAN {k}none 0
HSCAN {k}h 0 TYPE hash
HSCAN {k}h 0 COUNT
HRANDFIELD {k}h
HRANDFIELD {k}none
HRANDFIELD {k}none 5
HRANDFIELD {k}h 0
HRANDFIELD {k}h 100
HRANDFIELD {k}h -3
HRANDFIELD {k}h 2 WITHVALUES
HRANDFIELD {k}h -2 WITHVALUES
HRANDFIELD {k}h 2 FOO
HRANDFIELD {k}h abc
HRANDFIELD {k}h 2 WITHVALUES x
HRANDFIELD {k}h -9223372036854775808
HRANDFIELD {k}h -9223372036854775808 WITHVALUES
HRANDFIELD {k}h 9223372036854775807 WITHVALUES
HRANDFIELD {k}h -4611686018427387904 WITHVALUES
OBJECT ENCODING {k}h
HSET {k}h long (v*64)
OBJECT ENCODING {k}h
HSET {k}h long (v*65)
OBJECT ENCODING {k}h
HDEL {k}h long
OBJECT ENCODING {k}h
HSET {k}w (f*65) v
OBJECT ENCODING {k}w
HDEL {k}w (f*65)
EXISTS {k}w
SET {k}str 1
HSET {k}str f v
HGET {k}str f
HGETALL {k}str
HDEL {k}str f
HINCRBY {k}str f 1
HINCRBY {k}str f abc
HINCRBYFLOAT {k}str f abc
HSCAN {k}str 0
HSCAN {k}str abc
HRANDFIELD {k}str 2
HMGET {k}str f
HLEN {k}str
HSTRLEN {k}str f
HEXISTS {k}str f
`;

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
