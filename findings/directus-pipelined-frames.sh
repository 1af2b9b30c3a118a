#!/usr/bin/env bash
# Directus 12.4.0 on SQLite: frames sent over one WebSocket without waiting for answers are not handled in their order.
#
# One would guess   that a socket, being ordered, is a queue: `auth`, `subscribe` and `ping` can be sent in one go, and an
#                   `unsubscribe` sent behind a `subscribe` of the same uid cancels it.
# What happens      - What is sent between `auth` and its answer is lost: no answer, no error, and the connection stays
#                     usable. The same frames sent after the answer work.
#                   - `subscribe` and `unsubscribe` of one uid in one go: the unsubscribe is answered first, then comes
#                     the `init`, and the subscription lives on: its events arrive.
#                   - Two `subscribe` with one uid in one go: both live, and every event arrives twice. A second one sent
#                     after the first was answered replaces it.
# Why               While the handshake waits for its result, no other frame has a listener. Afterwards each frame starts
#                   an asynchronous handler of its own: a subscribe reads its snapshot before it is registered, an
#                   unsubscribe looks at once (websocket/handlers/subscribe.js).
# Who is affected   Clients that pipeline. Wait for the answer to `auth`, and for the answer to one frame of a uid before
#                   the next frame with it; a fresh uid for every subscribe is safer still.
# Seen              28 November 2026:
#                     auth and three requests in one go, then the same three again: auth, and three late answers
#                     subscribe and unsubscribe in one go: unsubscribe, init; a create afterwards: create
#                     one create, told to two subscribes of one uid in one go: create, create
set -euo pipefail

work=$(mktemp -d)
server=
stop() {
    if [[ -n $server ]]; then kill "$server" 2> kill.log && wait "$server" || true; fi
    rm -rf "$work"
}
trap stop EXIT
cd "$work"

case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) echo "no pinned Node for $(uname -m)" >&2 && exit 2 ;;
esac
# Node and npm first: Directus wants newer ones than machines have.
npm install --prefix tools --silent --no-audit --no-fund --ignore-scripts "node-linux-$arch@22.23.3" npm@10.9.4
export PATH="$work/tools/node_modules/node-linux-$arch/bin:$work/tools/node_modules/.bin:$PATH"
# isolated-vm 6.1.2 brings its binary along; what Directus pins would have to be compiled.
cat > package.json <<'JSON'
{
    "private": true,
    "dependencies": { "directus": "12.4.0", "isolated-vm": "6.1.2", "sqlite3": "6.0.1" },
    "overrides": { "isolated-vm": "6.1.2" }
}
JSON
npm install --silent --no-audit --no-fund --ignore-scripts
npm_config_nodedir="$work/tools/node_modules/node-linux-$arch" npm rebuild --silent sqlite3
export DB_CLIENT=sqlite3 DB_FILENAME=data.db

free_port() {
    node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); });"
}
port=$(free_port)
export HOST=127.0.0.1 PORT=$port PUBLIC_URL=http://127.0.0.1:$port SECRET=not-a-secret-0123456789abcdef KEY=finding \
    ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD=not-a-password ADMIN_TOKEN=admin-token WEBSOCKETS_ENABLED=true \
    TELEMETRY=false CACHE_ENABLED=false PRESSURE_LIMITER_ENABLED=false LOG_LEVEL=warn
mkdir uploads extensions
node node_modules/directus/cli.js bootstrap > directus.log 2>&1 || { cat directus.log >&2 && exit 2; }
node node_modules/directus/cli.js start >> directus.log 2>&1 &
server=$!
for _ in {1..240}; do
    [[ $(node -e "fetch('$PUBLIC_URL/server/ping').then((r) => r.text()).then(console.log, () => {})") == pong ]] && break
    kill -0 "$server" || { cat directus.log >&2 && exit 2; }
    sleep 0.5
done

cat > client.mjs <<'JS'
// REST and WebSocket, without any library.
const { PUBLIC_URL, ADMIN_TOKEN } = process.env;

export async function rest(method, path, body) {
    const form = body instanceof FormData;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, ...(form ? {} : { 'content-type': 'application/json' }) };
    const init = { method, headers, body: form || body === undefined ? body : JSON.stringify(body) };
    const response = await fetch(PUBLIC_URL + path, init);
    const text = await response.text();
    return { status: response.status, data: text ? JSON.parse(text).data : undefined };
}

export async function until(condition, what) {
    for (const end = Date.now() + 60_000; !condition(); ) {
        if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** A socket that sends `first` and then whatever `pipelined` holds at once. */
export async function connect(first = { type: 'auth', access_token: ADMIN_TOKEN }, ...pipelined) {
    const socket = new WebSocket(`${PUBLIC_URL.replace('http', 'ws')}/websocket`);
    const frames = [];
    const send = (frame) => socket.send(JSON.stringify(frame));
    socket.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type === 'ping') send({ type: 'pong' });
        else frames.push(frame);
    });
    await new Promise((resolve, reject) => {
        socket.addEventListener('open', resolve);
        socket.addEventListener('error', reject);
    });
    for (const frame of [first, ...pipelined]) send(frame);
    await until(() => frames.some((frame) => frame.type === 'auth'), 'the answer to auth');
    /** The server tells subscriptions of one event in the order in which they were made. */
    const subscribe = async (uid, collection, rest) => {
        send({ type: 'subscribe', uid, collection, ...rest });
        await until(() => frames.some((frame) => frame.uid === uid), `the init of ${uid}`);
    };
    const events = (uid) => frames.filter((frame) => frame.uid === uid && frame.event !== 'init');
    return { frames, send, subscribe, events };
}

let changed = false;
/** Prints what was seen, and notes whether it is what was recorded. */
export function expect(what, seen, recorded) {
    const [is, was] = [JSON.stringify(seen), JSON.stringify(recorded)];
    console.log(`${what}: ${is}`);
    if (is === was) return;
    console.error(`CHANGED: ${what} was ${was}`);
    changed = true;
}
export const finish = () => process.exit(changed ? 1 : 0);

export async function createCollection(collection, more = [], relations = []) {
    const id = { field: 'id', type: 'integer', schema: { is_primary_key: true, has_auto_increment: true }, meta: {} };
    const fields = [id, { field: 'n', type: 'integer', schema: {}, meta: {} }, ...more];
    const { status } = await rest('POST', '/collections', { collection, schema: {}, meta: {}, fields });
    if (status !== 200) throw new Error(`no collection: ${status}`);
    for (const relation of relations) await rest('POST', '/relations', relation);
}
JS

cat > probe.mjs <<'JS'
import { connect, createCollection, expect, finish, rest, until } from './client.mjs';

const { ADMIN_EMAIL, ADMIN_PASSWORD } = process.env;
await createCollection('x');
await rest('POST', '/items/x', { n: 0 });
const seen = (frames) => frames.map(({ type, event, uid }) => [type, event, uid].filter(Boolean).join(' '));

// A login takes the server half a second, by intent; that makes the order certain.
const login = { type: 'auth', email: ADMIN_EMAIL, password: ADMIN_PASSWORD };
const requests = (when) => [
    { type: 'ping', uid: `ping ${when}` },
    { type: 'subscribe', collection: 'x', uid: `subscribe ${when}` },
    { type: 'items', action: 'read', collection: 'x', uid: `read ${when}` },
];
const early = await connect(login, ...requests('early'));
for (const request of requests('late')) early.send(request);
await until(() => early.frames.length >= 4, 'the late answers');
await rest('POST', '/items/x', { n: 1 });
await until(() => early.events('subscribe late').length === 1, 'the event');
expect('auth and three requests in one go, then the same three again', seen(early.frames).sort(), [
    'auth',
    'items read late',
    'pong ping late',
    'subscription create subscribe late',
    'subscription init subscribe late',
]);

const socket = await connect();
const order = () => seen(socket.frames).slice(1);
socket.send({ type: 'subscribe', collection: 'x', uid: 'a' });
socket.send({ type: 'unsubscribe', uid: 'a' });
await until(() => order().length === 2, 'both answers');
expect('subscribe and unsubscribe in one go', order(), ['subscription unsubscribe a', 'subscription init a']);
await rest('POST', '/items/x', { n: 2 });
await until(() => socket.events('a').length === 2, 'the event after the unsubscribe');
expect('a create afterwards', order()[2], 'subscription create a');
socket.send({ type: 'unsubscribe', uid: 'a' });
await until(() => order().length === 4, 'the unsubscribe');

socket.send({ type: 'subscribe', collection: 'x', uid: 'b' });
socket.send({ type: 'subscribe', collection: 'x', uid: 'b' });
await until(() => order().length === 6, 'both answers');
await socket.subscribe('last', 'x');
await rest('POST', '/items/x', { n: 3 });
await until(() => socket.events('last').length === 1, 'the event');
expect('one create, told to two subscribes of one uid in one go', seen(socket.events('b')), Array(2).fill('subscription create b'));

await socket.subscribe('c', 'x');
socket.send({ type: 'subscribe', collection: 'x', uid: 'c' });
await until(() => socket.frames.filter(({ uid }) => uid === 'c').length === 2, 'the second answer');
await socket.subscribe('very last', 'x');
await rest('POST', '/items/x', { n: 4 });
await until(() => socket.events('very last').length === 1, 'the event');
expect('one create, told to two subscribes of one uid in turn', seen(socket.events('c')), ['subscription create c']);
finish();
JS
node probe.mjs
echo "as recorded: what is sent in one go is not handled in its order"
