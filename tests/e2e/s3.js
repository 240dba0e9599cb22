// An S3 store on loopback: s3rver, which does not look at signatures of version 4, behind a door that does. The
// signature is reckoned anew from what came, after the description of AWS Signature Version 4.
'use strict';
const {createHash, createHmac} = require('node:crypto');
const {once} = require('node:events');
const http = require('node:http');
const S3rver = require('s3rver');

const KEY = 'S3RVER', SECRET = 'S3RVER'; // the only pair that s3rver knows
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

function expectedSignature(request, {scope, signedHeaders}) {
  const [pathname, query = ''] = request.url.split('?');
  const headers = signedHeaders.split(';').map((name) => `${name}:${request.headers[name].trim()}\n`).join('');
  const canonical = [request.method, pathname, query.split('&').sort().join('&'), headers, signedHeaders,
    request.headers['x-amz-content-sha256']].join('\n');
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  return hmac(scope.split('/').reduce(hmac, `AWS4${SECRET}`), text).toString('hex');
}

function isSigned(request, body) {
  const parts = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/
    .exec(request.headers.authorization || '');
  if (!parts || parts[1] !== KEY || request.headers['x-amz-content-sha256'] !== sha256(body)) return false;
  return expectedSignature(request, {scope: parts[2], signedHeaders: parts[3]}) === parts[4];
}

function refuse(response) {
  response.writeHead(403, {'content-type': 'application/xml'});
  response.end('<Error><Code>SignatureDoesNotMatch</Code><Message>It is not what it should be.</Message></Error>');
}

function forward(port, request, body, response, change) {
  const onward = http.request({port, host: '127.0.0.1', method: request.method, path: request.url,
    headers: {...request.headers, 'content-length': body.length}}, (answer) => {
    const pieces = [];
    answer.on('data', (piece) => pieces.push(piece));
    answer.on('end', () => {
      const {status, bytes} = {status: answer.statusCode, bytes: Buffer.concat(pieces), ...change(request, Buffer.concat(pieces))};
      const {'transfer-encoding': ignored, ...headers} = answer.headers;
      response.writeHead(status, request.method === 'HEAD' ? headers : {...headers, 'content-length': bytes.length});
      response.end(bytes);
    });
  });
  onward.on('error', () => response.destroy());
  onward.end(body);
}

// {endpoint, environment}; it ends with the test. `before`: what every request waits for. `change`: gives the status and the bytes of
// an answer that are to be others.
async function startS3(t, directory, bucket, before = async () => {}, change = () => ({})) {
  const store = new S3rver({port: 0, address: '127.0.0.1', silent: true, directory, configureBuckets: [{name: bucket}]});
  const {port} = await store.run();
  const door = http.createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    await before(request);
    if (isSigned(request, body)) forward(port, request, body, response, change);
    else refuse(response);
  }).listen(0, '127.0.0.1');
  await once(door, 'listening');
  t.after(async () => {
    door.close();
    door.closeAllConnections();
    await store.close();
  });
  return {endpoint: `http://127.0.0.1:${door.address().port}`,
    environment: {AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET}};
}

const escapeXml = (text) => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

// A store that only lists, two keys a page, and notes which signed questions it was asked. `goOn(keys, after)`: what comes next.
async function startListing(t, keys, goOn = (all, after) => all.filter((key) => key > after)) {
  const asked = [];
  const server = http.createServer((request, response) => {
    if (!isSigned(request, Buffer.alloc(0))) return refuse(response);
    const after = new URL(request.url, 'http://store').searchParams.get('start-after') || '';
    const left = goOn(keys, after), page = left.slice(0, 2);
    asked.push(after);
    response.end(`<ListBucketResult><IsTruncated>${left.length > 2}</IsTruncated>` +
      page.map((key) => `<Contents><Key>${escapeXml(key)}</Key><Size>1</Size></Contents>`).join('') + '</ListBucketResult>');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {asked, endpoint: `http://127.0.0.1:${server.address().port}`,
    environment: {AWS_ACCESS_KEY_ID: KEY, AWS_SECRET_ACCESS_KEY: SECRET}};
}

module.exports = {startListing, startS3};
