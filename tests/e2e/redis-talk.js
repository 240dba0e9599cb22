// What clients say before, between and instead of commands on keys: inline requests, broken requests, HELLO, CLIENT, COMMAND,
// CONFIG, CLUSTER, subscriptions. Each line of a list is one conversation on a connection of its own.
'use strict';

// Inline, requests apart by " | ".
const LINES = String.raw`
PING
ping hello
PING a b c
PING "a b"
PING 'a\'b'
PING "a\x41\n\"\q"
PING "a
PING "a"b
PING 'a'b
  PING   a
PING ""
""
"" a
"SET" "{t}a" 'b' | GET {t}a
  | PING
SET {t}k v EX 100 | GET {t}k
$4 | PING
+PING
:1
%1 | $4 | PING
QUIT | PING
quit now | PING
RESET | PING
RESET x
ECHO
ECHO a
ECHO a b
HELLO
HELLO 2
HELLO 3
HELLO 1
HELLO 4
HELLO abc
HELLO 03
HELLO +3
HELLO 3.0
HELLO 3 AUTH
HELLO 3 AUTH default
HELLO 3 AUTH default x
HELLO 3 AUTH nobody x
HELLO 3 SETNAME
HELLO 3 SETNAME foo | CLIENT GETNAME
HELLO 3 SETNAME "a b" | CLIENT GETNAME
HELLO 3 SETNAME a SETNAME b | CLIENT GETNAME
HELLO 3 FOO
HELLO 2 FOO bar
HELLO 3 | GET {t}no | HGET {t}no f | HMGET {t}no a b | HGETALL {t}no | HRANDFIELD {t}no | HRANDFIELD {t}no 2 WITHVALUES
HELLO 3 | HELLO 2 | GET {t}no
HELLO 3 | RESET | GET {t}no
AUTH
AUTH x
AUTH default x
AUTH nobody x
AUTH a b c
SELECT
SELECT 0
SELECT 1
SELECT -1
SELECT abc
SELECT 2147483648
SELECT 99999999999999999999
READONLY | READWRITE
READONLY x
CLIENT
CLIENT FOO
CLIENT GETNAME
CLIENT GETNAME x
CLIENT SETNAME
CLIENT SETNAME x | CLIENT GETNAME
CLIENT SETNAME "x y" | CLIENT GETNAME
CLIENT SETNAME "x\n" | CLIENT GETNAME
CLIENT SETNAME "\xe9" | CLIENT GETNAME
CLIENT SETNAME x | CLIENT SETNAME "" | CLIENT GETNAME
CLIENT SETNAME a b
CLIENT REPLY
CLIENT REPLY FOO
CLIENT REPLY ON
CLIENT REPLY on off
CLIENT REPLY OFF | PING | CLIENT REPLY ON | PING
CLIENT REPLY SKIP | PING | PING
CLIENT REPLY SKIP | CLIENT REPLY SKIP | PING | PING
CLIENT REPLY OFF | CLIENT REPLY SKIP | PING | PING | CLIENT REPLY ON
CLIENT REPLY OFF | FOO | GET | PING | RESET | PING
CLIENT KILL
CLIENT KILL 1.2.3.4:5
CLIENT KILL FOO bar
CLIENT KILL ID
CLIENT KILL ID abc
CLIENT KILL ID 0
CLIENT KILL ID -1
CLIENT KILL ID 99999999
CLIENT KILL ID 1 ID
CLIENT KILL ADDR 1.2.3.4:5
CLIENT KILL TYPE foo
CLIENT KILL TYPE pubsub ID 99999999
CLIENT KILL USER nobody
CLIENT KILL SKIPME
CLIENT KILL SKIPME foo
CLIENT LIST FOO
CLIENT LIST TYPE
CLIENT LIST TYPE foo
CLIENT LIST TYPE master
CLIENT LIST ID
CLIENT LIST ID abc
CLIENT LIST ID 0
CLIENT LIST ID -1
CLIENT LIST ID 99999999
CLIENT LIST ID 5 abc
CLIENT NO-EVICT
CLIENT NO-EVICT on
CLIENT NO-EVICT foo
CLIENT HELP x
CLIENT ID x
CLIENT INFO x
OBJECT
OBJECT FREQ {t}no
MEMORY
MEMORY FOO
MEMORY USAGE
MEMORY USAGE {t}no
MEMORY USAGE {t}no SAMPLES
MEMORY USAGE {t}no SAMPLES -1
MEMORY USAGE {t}no SAMPLES x
MEMORY USAGE {t}no SAMPLES 1 FOO
MEMORY USAGE {t}no FOO
COMMAND INFO memory|usage
OBJECT ENCODING
COMMAND FOO
COMMAND COUNT x
COMMAND INFO nosuch
COMMAND INFO get mget
COMMAND INFO hello
COMMAND INFO client|id
COMMAND INFO object|encoding
COMMAND INFO config|get
COMMAND INFO asking client|getredir client|trackinginfo module|list
COMMAND INFO latency|histogram latency|latest latency|history latency|reset
ASKING
ASKING x
CLIENT GETREDIR
CLIENT GETREDIR x
CLIENT TRACKINGINFO
HELLO 3 | CLIENT TRACKINGINFO | MODULE LIST | LATENCY LATEST | LATENCY HISTOGRAM nosuch
MODULE
MODULE LIST
MODULE LIST x
MODULE FOO
LATENCY
LATENCY FOO
LATENCY LATEST
LATENCY HISTORY
LATENCY HISTORY command
LATENCY RESET
LATENCY RESET command fork
LATENCY HISTOGRAM nosuch ""
COMMAND DOCS nosuch
COMMAND GETKEYS
COMMAND GETKEYS get
COMMAND GETKEYS get k
COMMAND GETKEYS mset a 1 b 2
COMMAND GETKEYS mset a 1 b
COMMAND GETKEYS ping
COMMAND GETKEYS nosuch k
COMMAND GETKEYS object encoding k
COMMAND GETKEYS copy a b
COMMAND HELP x
COMMAND LIST FOO
COMMAND LIST FILTERBY
COMMAND LIST FILTERBY FOO x
COMMAND LIST FILTERBY PATTERN hget
COMMAND LIST FILTERBY PATTERN nosuch*
COMMAND LIST FILTERBY MODULE x
COMMAND LIST FILTERBY ACLCAT nosuch
HELLO 3 | COMMAND INFO get nosuch | COMMAND GETKEYS mset a 1 b 2 | COMMAND LIST FILTERBY PATTERN getd*
CONFIG
CONFIG FOO
CONFIG GET
CONFIG GET nosuch
CONFIG GET ""
CONFIG GET [a
CONFIG GET maxclients nosuch
CONFIG GET maxclients maxclients
CONFIG GET maxmemory
CONFIG GET maxmemory-policy
CONFIG GET databases
CONFIG GET appendfilename
CONFIG GET sanitize-dump-payload
CONFIG GET lfu-log*
CONFIG GET tcp-keepalive
CONFIG GET proto-max-bulk-len
HELLO 3 | CONFIG GET nosuch | CONFIG GET maxclient*
CONFIG SET
CONFIG SET a
CONFIG SET nosuch 1
CONFIG SET maxclients
CONFIG SET maxclients 1000 maxclients 2000
CONFIG SET slowlog-max-len 128 nosuch 1
CONFIG SET timeout 0
CONFIG SET timeout 0 timeout
CONFIG SET "" x
CONFIG RESETSTAT
CONFIG RESETSTAT x
CONFIG HELP x
TIME x
SLOWLOG
SLOWLOG FOO
SLOWLOG RESET
SLOWLOG RESET x
SLOWLOG GET 0
SLOWLOG GET -2
SLOWLOG GET abc
SLOWLOG GET 1 2
CLUSTER
CLUSTER FOO
CLUSTER HELP x
CLUSTER KEYSLOT
CLUSTER KEYSLOT a
CLUSTER KEYSLOT {a}b
CLUSTER KEYSLOT {}b
CLUSTER KEYSLOT ""
CLUSTER KEYSLOT a b
CLUSTER COUNTKEYSINSLOT
CLUSTER COUNTKEYSINSLOT 1
CLUSTER COUNTKEYSINSLOT -1
CLUSTER COUNTKEYSINSLOT 16384
CLUSTER COUNTKEYSINSLOT abc
CLUSTER GETKEYSINSLOT 1
CLUSTER GETKEYSINSLOT 1 10
CLUSTER GETKEYSINSLOT -1 10
CLUSTER GETKEYSINSLOT 1 -1
CLUSTER GETKEYSINSLOT abc 10
CLUSTER GETKEYSINSLOT 1 abc
CLUSTER GETKEYSINSLOT 16384 10
CLUSTER SLOTS x
CLUSTER NODES x
CLUSTER INFO x
CLUSTER MYID x
CLUSTER SHARDS x
CLUSTER LINKS
CLUSTER REPLICAS
CLUSTER REPLICAS abc
CLUSTER SLAVES abc
SUBSCRIBE
SUBSCRIBE a
SUBSCRIBE a b a
SUBSCRIBE a | PING | GET {t}x | PING hi | SELECT 1 | CLIENT ID
SUBSCRIBE a | RESET | GET {t}x
SUBSCRIBE a | QUIT | GET {t}x
SUBSCRIBE a | HELLO 3 | GET {t}x
SUBSCRIBE a | UNSUBSCRIBE a | GET {t}x
HELLO 3 | SUBSCRIBE a | PING | GET {t}x
HELLO 3 | PSUBSCRIBE a | UNSUBSCRIBE | PUNSUBSCRIBE
HELLO 3 | PUNSUBSCRIBE
UNSUBSCRIBE
UNSUBSCRIBE a
PUNSUBSCRIBE
PSUBSCRIBE
PSUBSCRIBE a* b* | PUNSUBSCRIBE b* | PUNSUBSCRIBE b* | PING
WAIT 0
WAIT 0 0
WAIT -1 0
WAIT abc 0
WAIT 0 abc
WAIT 0 -1
SET | GET | MGET | HSET | HSET a | DEL
FOO
FOO a b c
FOO "a\nb" "\x00\x01"
`.split('\n').filter((line) => line !== '').map((line) => line.split(' | ').map((request) => `${request}\r\n`).join(''));

// As they are sent, byte by byte.
const BYTES = [
  'PING\n', 'PING\ttab\r\n', '\r\n\r\nPING\r\n', '   \r\nPING\r\n', 'PING\r\r\n', 'PING \r x\r\n', '\x80\xff\r\n',
  '*0\r\nPING\r\n', '*-1\r\nPING\r\n', '*-5\r\nPING\r\n', '*abc\r\nPING\r\n', '*1a\r\nPING\r\n', '*\r\nPING\r\n', '*1\r\nPING\r\n',
  '*01\r\n$4\r\nPING\r\n', '*+1\r\n$4\r\nPING\r\n', '* 1\r\n$4\r\nPING\r\n', '*1 \r\n$4\r\nPING\r\n', '*1\n$4\nPING\n',
  '*2147483648\r\n$4\r\nPING\r\n', '*9223372036854775808\r\n', '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n',
  '*1\r\n$04\r\nPING\r\n', '*1\r\n$+4\r\nPING\r\n', '*1\r\n$-1\r\nPING\r\n', '*1\r\n$0\r\n\r\nPING\r\n', '*1\r\n$abc\r\nPING\r\n',
  '*1\r\n$999999999999\r\nPING\r\n', '*1\r\n$536870913\r\nPING\r\n', '*1\r\n$4\nPING\r\n', '*1\r\n:4\r\nPING\r\n', '*1\r\n+PING\r\n',
  '*1\r\n\r\n', '*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n', '*2\r\n$4\r\nECHO\r\n$5\r\nab\r\nc\r\n', '*2\r\n$4\r\nECHO\r\n$1\r\na\r\n\r\nPING\r\n',
  '*2\r\n$3\r\nFOO\r\n$6\r\na\r\nb\0\x01\r\n', '*1\r\n$5\r\nF\r\nO\0\r\n', '*2\r\n$3\r\nGET\r\n$0\r\n\r\n', '*2\r\n$6\r\nCLIENT\r\n$3\r\na\r\n\r\n',
  `${'a'.repeat(70000)}`, `*${'1'.repeat(70000)}`, `*1\r\n$${'1'.repeat(70000)}`, `PING ${'x'.repeat(60000)}\r\n`,
  `FOO ${'y'.repeat(3000)}\r\n`, `FOO ${'y'.repeat(100)} ${'z'.repeat(100)}\r\n`, `${'n'.repeat(300)} a\r\n`,
];

// ---- random ones: a pipeline of small requests, as written or with a few bytes changed, lost or doubled

const WORDS = ['PING', 'ECHO', 'GET', 'SET', 'CLIENT', 'GETNAME', 'SETNAME', 'HELLO', '2', '3', 'RESET', 'SELECT', '0', 'SUBSCRIBE', 'UNSUBSCRIBE',
  'PSUBSCRIBE', 'CONFIG', 'OBJECT', 'ENCODING', 'READONLY', 'WAIT', 'REPLY', 'ON', 'OFF', 'SKIP', 'x', '', '-1', 'a b'];
const DAMAGE = ['*', '$', ':', '\r', '\n', '"', '\'', '\\', ' ', '1', '2', '9', '-', 'x', '\x01', '\xff'];

function randomTalk(below) {
  const pick = (list) => list[below(list.length)];
  const words = [...WORDS, `{t}${below(1 << 30)}`, `{t}${below(1 << 30)}`]; // keys of its own: others talk at the same time
  const multibulk = (all) => `*${all.length}\r\n${all.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  const quoted = (word) => (/^[^ "'\\]+$/.test(word) && below(4) ? word : `"${word}"`);
  const request = () => {
    const all = Array.from({length: 1 + below(4)}, () => pick(words));
    return below(2) ? multibulk(all) : `${all.map(quoted).join(' ')}\r\n`;
  };
  let text = Array.from({length: 1 + below(4)}, request).join('');
  for (let changes = below(3); changes > 0; changes--) {
    const at = below(text.length);
    const middle = [pick(DAMAGE), '', text[at] + text[at], pick(DAMAGE) + text[at]][below(4)];
    text = text.slice(0, at) + middle + text.slice(at + 1);
  }
  return text.replaceAll('SSUBSCRIBE', 'SUBSCRIBE'); // the one command of Redis alone that a doubled letter makes
}

module.exports = {LINES, BYTES, randomTalk};
