#!/usr/bin/env bash
# Directus 12.4.0 on SQLite: the keys in WebSocket events are those of the request, not those of the rows.
#
# One would guess   that an event names a row of the collection, by its key as it is stored; that a `create` says the key
#                   is new; that a request which reaches no row makes no event, and is answered with an error.
# What happens      - DELETE of a key that does not exist: 204, and a `delete` of that key to every subscription of the
#                     collection, also to one whose filter matches nothing. PATCH of it: 204 as well, and no event.
#                   - DELETE /items/x/007 deletes row 7; the event names "007", which no snapshot ever held.
#                   - PATCH /items/x/2 with another `id` in its body: 200, `id` is ignored, an `update` of 2.
#                   - A subscription of one `item` with an integer key misses writes whose key came as a JSON number, or
#                     spelled otherwise in the URL. Those whose key came as text in the plain spelling arrive.
#                   - New content for a file (PATCH /files/<id> with a form) is reported as a `create` of the key that
#                     has long been there, then as an `update`.
# Why               Events are emitted with the keys as the request has them. The database compares them in its own way,
#                   and nothing asks it whether a row was deleted; for an update the row is read, and there is none.
#                   `item` becomes text at the subscribe and is compared strictly (websocket/handlers/subscribe.js).
# Who is affected   Copies of a collection kept by key: ignore deletes of unknown keys, read again where a key is not
#                   spelled as the snapshot spells it, treat a `create` of a known key as an update. For integer keys
#                   subscribe to the collection with a filter, not to `item`.
# Seen              28 November 2026:
#                     DELETE of an unknown key: 204, ["delete",["987654"]]
#                     DELETE /items/x/007: 204, ["delete",["007"]]; rows left: 1 to 6
#                     PATCH /items/x/2 with id 4000: 200, ["update",[{"id":2,"n":22}]]
#                     n of row 1 as the collection tells it: 11,12,13,14,15; as `item: 1` tells it: 11,15
#                     a file, then its new content: create, create, update of the same key
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
# The driver has to be compiled; quickly is good enough.
CFLAGS=-O0 CXXFLAGS=-O0 npm_config_nodedir="$work/tools/node_modules/node-linux-$arch" npm rebuild --silent sqlite3
export DB_CLIENT=sqlite3 DB_FILENAME=data.db

free_port() {
    node -e "const probe = require('net').createServer();
        probe.listen(0, '127.0.0.1', () => { console.log(probe.address().port); probe.close(); });"
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

await createCollection('x');
await rest('POST', '/items/x', [1, 2, 3, 4, 5, 6, 7].map((n) => ({ n })));
const socket = await connect();
const query = { fields: ['id', 'n'] };
await socket.subscribe('item', 'x', { item: 1, query });
await socket.subscribe('unmatched', 'x', { query: { ...query, filter: { n: { _gt: 1000 } } } });
await socket.subscribe('all', 'x', { query });
const told = (uid) => socket.events(uid).map(({ event, data }) => [event, data]);

/** A write, its status, and the event that "all", the last in the row, got of it. */
async function write(...request) {
    const before = told('all').length;
    const { status } = await rest(...request);
    await until(() => told('all').length > before, `the event of ${request[0]} ${request[1]}`);
    return [status, ...told('all').slice(before)];
}

expect('DELETE of an unknown key', await write('DELETE', '/items/x/987654'), [204, ['delete', ['987654']]]);
expect('the subscription that matches nothing', told('unmatched'), [['delete', ['987654']]]);
expect('PATCH of an unknown key', (await rest('PATCH', '/items/x/987654', { n: 0 })).status, 204);
expect('DELETE /items/x/007', await write('DELETE', '/items/x/007'), [204, ['delete', ['007']]]);
expect('rows left', (await rest('GET', '/items/x?fields=id')).data.map(({ id }) => id), [1, 2, 3, 4, 5, 6]);
const renamed = await write('PATCH', '/items/x/2', { id: 4000, n: 22 });
expect('PATCH /items/x/2 with id 4000', renamed, [200, ['update', [{ id: 2, n: 22 }]]]);
expect('row 4000', (await rest('GET', '/items/x/4000')).status, 403);

await write('PATCH', '/items/x/1', { n: 11 });
await write('PATCH', '/items/x', { keys: [1], data: { n: 12 } });
await write('PATCH', '/items/x', [{ id: 1, n: 13 }]);
await write('PATCH', '/items/x/01', { n: 14 });
await write('PATCH', '/items/x', { keys: ['1'], data: { n: 15 } });
const values = (uid) => told(uid).map(([, data]) => (data[0] ?? data).n);
expect('n of row 1 as the collection tells it', values('all').slice(3), [11, 12, 13, 14, 15]);
expect('n of row 1 as `item: 1` tells it', values('item'), [11, 15]);

const form = (text) => {
    const body = new FormData();
    body.append('file', new Blob([text], { type: 'text/plain' }), 'notes.txt');
    return body;
};
await socket.subscribe('files', 'directus_files', { query: { fields: ['id', 'filesize'] } });
const { id } = (await rest('POST', '/files', form('one'))).data;
await until(() => told('files').length === 1, 'the event of the upload');
await rest('PATCH', `/files/${id}`, form('another'));
await until(() => told('files').length >= 3, 'the events of the new content');
const named = (key) => (key === id ? 'same key' : key);
const files = told('files').map(([event, [file]]) => [event, named(file.id), file.filesize]);
expect('a file, then its new content', files, [
    ['create', 'same key', 3],
    ['create', 'same key', 7],
    ['update', 'same key', 7],
]);
finish();
JS
node probe.mjs
echo "as recorded: the keys in events are those of the request"
