// What clients say before, between and instead of commands on keys: inline requests, broken requests, HELLO, CLIENT, COMMAND,
// CONFIG, CLUSTER, subscriptions. Each line of a list is one conversation on a connection of its own.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

// Inline, requests apart by " | ".
const conversationOf = (line) => line.split(' | ').map((request) => `${request}\r\n`).join('');
const conversations = (text) => text.split('\n').filter((line) => line !== '').map(conversationOf);
const LINES = conversations(fs.readFileSync(path.join(__dirname, 'redis-talk.txt'), 'latin1'));

// Of a connection that has not said the password, which is "secret".
const words = (count) => `*${count}\r\n${'$4\r\nPING\r\n'.repeat(count)}`;
const STRANGERS = [...conversations(String.raw`
PING
GET x
GET
FOO
FOO x
HELLO
HELLO 2
HELLO 3
HELLO 4
HELLO x
HELLO 3 AUTH default wrong | GET x
HELLO 3 AUTH default secret | GET {t}no
HELLO 3 AUTH nobody secret
HELLO 3 SETNAME a
HELLO 3 SETNAME "a b"
HELLO 3 AUTH default secret SETNAME "a b" | GET x
HELLO 3 AUTH default wrong SETNAME "a b"
HELLO 3 AUTH default secret SETNAME me | CLIENT GETNAME
HELLO 2 AUTH default secret | GET {t}no
HELLO 3 FOO
AUTH wrong | GET x
AUTH secret | GET {t}no
AUTH "" | GET x
AUTH default wrong
AUTH default secret | GET {t}no
AUTH nobody secret
AUTH DEFAULT secret
AUTH secre
AUTH secrets
AUTH secretsecret
AUTH a b c
AUTH
AUTH secret | AUTH wrong | GET {t}no
AUTH secret | RESET | GET x
AUTH secret | HELLO 3 AUTH default wrong | GET {t}no
AUTH secret | HELLO 3 | GET {t}no
RESET
RESET x
QUIT
QUIT x
ECHO x
SELECT 0
COMMAND
COMMAND COUNT
CLIENT
CLIENT ID
CLIENT FOO
CLIENT SETNAME x
CLIENT REPLY OFF
OBJECT HELP
INFO
CONFIG GET x
CONFIG
SUBSCRIBE a
SUBSCRIBE
CLUSTER SLOTS
READONLY
ASKING
SLOWLOG GET
WAIT 0 0
TIME
MSET a b c
FLUSHALL
PING a b c d e f g h i j k l m
`), words(10), words(11), `*2\r\n$4\r\nECHO\r\n$16384\r\n${'x'.repeat(16384)}\r\n`, `*2\r\n$4\r\nECHO\r\n$16385\r\n`, '*0\r\nPING\r\n', 'PING "\r\n'];

// Where a node has several shards.
const ACROSS_SLOTS = conversations(String.raw`
MGET a b
MSET a 1 b 2
MSET a 1 b
MSET a
MSET {t}a 1 {t}b
MSETNX a 1 b 2
MSETNX a 1 b
RENAME a b
RENAME a a
RENAME {t}no b
RENAMENX a b
COPY a b
COPY a b FOO
COPY a b DB 1
COPY a
DEL a b
UNLINK a b
EXISTS a b
TOUCH a b
DEL {t}a b
DEL a {t}a b
OBJECT ENCODING a b
OBJECT HELP a b
MEMORY USAGE a b
`);

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
  '*2\r\n$3\r\nGET\r\n$5\r\nab', 'PING\r\n*2\r\n$4\r\nECHO\r\n', '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r', '*1\r\n$4\r\nPING\r\nPI',
  '*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING', 'PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n', '*0\r\n*0\r\n*-1\r\nPING\r\n',
  '\r\n\r\n*1\r\n$4\r\nPING\r\n', '*1\r\n$-0\r\n\r\n', '*-0\r\nPING\r\n', '*1048576\r\n',
  '*-2147483648\r\nPING\r\n', '*-9223372036854775808\r\nPING\r\n', '*-9223372036854775809\r\nPING\r\n', '*1\r\n$536870912\r\n',
  '*1\r\n$-2\r\n', '*1\r\n$9223372036854775807\r\n', '*1\r\n$9223372036854775808\r\n', '*1\r\n$4\r\nPING\r\n\r\n\r\nPING\r\n',
  '\n\n\nPING\n', '\r\r\n', '\r\nPING\r\n\r\n', ' PING \r\n', '\tPING\r\n', '\vPING\r\n', '\fPING\fx\r\n', 'PING\vx\r\n',
  'PING\r\nPING "\r\nPING\r\n', 'PING\r\n*1\r\n$x\r\nPING\r\n', 'PING\r\n*x\r\nPING\r\n', '*1\r\n$4\r\nPING\r\n*1\r\n:4\r\n',
  'ECHO "\\xg1"\r\n', 'ECHO "\\x4"\r\n', 'ECHO "\\x"\r\n', 'ECHO "\\\\"\r\n', 'ECHO \'\\\\\'\r\n', 'ECHO \'\\n\'\r\n',
  'ECHO "\\n\\r\\t\\b\\a\\q"\r\n', 'ECHO a\\nb\r\n', 'ECHO "a" \r\n', 'ECHO "a""b"\r\n', 'ECHO \'\'\r\n', 'ECHO ""\r\n',
  'ECHO "a\nb"\r\n', '*2\r\n$4\r\nECHO\r\n$5\r\na\r\nbc\r\n', '*2\r\n$4\r\necho\r\n$0\r\n\r\n', '*1\r\n$0\r\n\r\n',
  '*2\r\n$0\r\n\r\n$0\r\n\r\n', '*1\r\n$1\r\n\n\r\n', '*1\r\n$6\r\nclient\r\n', '*2\r\n$6\r\nclient\r\n$0\r\n\r\n',
  '*2\r\n$6\r\nclient\r\n$2\r\n\r\n\r\n',
  '*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n', '*1\r\n$4\r\nPINGx\nPING\r\n', '*1\r$4\r\nPING\r\n', '*1\r\n$4\rPING\r\n',
  '*1\r\r\n$4\r\nPING\r\n', '*1\r\n$4\r\r\nPING\r\n', '*1\r\n $4\r\nPING\r\n', '*1\r\n\n$4\r\nPING\r\n', '**1\r\n', '*1\r\n*1\r\n',
  '*1\r\n%1\r\n', '*1\r\n_\r\n', '*1\r\n$\r\n', '*1\r\n$ 4\r\nPING\r\n', '*1\r\n$4 \r\nPING\r\n', '*1\r\n$4a\r\n',
  '*1\r\n$0x4\r\nPING\r\n', '*0x1\r\n', '*1.0\r\n', '*1e0\r\n',
  'CLIENT REPLY SKIP\r\n*0\r\nPING\r\nPING\r\n', 'CLIENT REPLY SKIP\r\n\r\nPING\r\nPING\r\n', 'CLIENT REPLY OFF\r\nRESET\r\nPING\r\n',
  'HELLO 3\r\n*x\r\n', 'HELLO 3\r\nPING "\r\n', 'SUBSCRIBE a\r\n*x\r\n', 'SUBSCRIBE a\r\nPING "\r\n',
  'HELLO 3\r\nSUBSCRIBE a\r\n*1\r\n$x\r\n', 'QUIT\r\n*x\r\n', 'QUIT\r\nPING\r\n*1\r\n',
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

module.exports = {LINES, STRANGERS, ACROSS_SLOTS, BYTES, randomTalk};
