#!/usr/bin/env bash
# Directus 12.4.0 on SQLite: a filter cannot name a row whose text key is "null", "true" or begins with "$NOW".
#
# One would guess   that `filter: {"id": {"_in": [...]}}` finds the rows with these primary keys, as `ids` and GET /items/x/<key>
#                   do, whatever text a key is: in JSON, the text "null" and the value null are two things.
# What happens      - `_in` and `_eq` with "null", "true" or "false" find nothing: the texts become null, true and false,
#                     as in a query string, also where the query is JSON in the body of a SEARCH.
#                   - With "$NOW" or "$CURRENT_USER", which are keys here, nothing is found either: they are replaced.
#                   - GET /items/x/null, and `keys` in the body of a SEARCH, find these rows.
# Why               Every value of a filter goes through parseFilterValue (@directus/utils, parse-filter), which knows no
#                   field types and no difference between queries in a URL and in JSON.
# Who is affected   Programs that read rows again by keys that events have named: use `ids`, `keys` or the path, not a filter on
#                   the primary key.
# Seen              29 November 2026, keys plain, null, true, false, $NOW and $CURRENT_USER:
#                     rows: $CURRENT_USER, $NOW, false, null, plain, true
#                     by _in with all of them: plain
#                     by _eq, one by one: plain
#                     by keys: $CURRENT_USER, $NOW, false, null, plain, true
#                     by their paths: 200, 200, 200, 200, 200, 200
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
// REST, without any library.
const { PUBLIC_URL, ADMIN_TOKEN } = process.env;

async function rest(method, path, body) {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(PUBLIC_URL + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, data: text ? JSON.parse(text).data : undefined };
}

const keys = ['plain', 'null', 'true', 'false', '$NOW', '$CURRENT_USER'];
const id = { field: 'id', type: 'string', schema: { is_primary_key: true }, meta: {} };
await rest('POST', '/collections', { collection: 'x', schema: {}, meta: {}, fields: [id] });
for (const key of keys) await rest('POST', '/items/x', { id: key });

const names = ({ data }) => data.map((row) => row.id).sort().join(', ');
const found = async (filter) => names(await rest('SEARCH', '/items/x', { query: { filter } }));
console.log(`rows: ${names(await rest('GET', '/items/x'))}`);
console.log(`by _in with all of them: ${await found({ id: { _in: keys } })}`);
const one = [];
for (const key of keys) if ((await found({ id: { _eq: key } })) !== '') one.push(key);
console.log(`by _eq, one by one: ${one.join(', ')}`);
console.log(`by keys: ${names(await rest('SEARCH', '/items/x', { keys }))}`);
const paths = [];
for (const key of keys) paths.push((await rest('GET', `/items/x/${encodeURIComponent(key)}`)).status);
console.log(`by their paths: ${paths.join(', ')}`);
JS
seen=$(node client.mjs)
echo "$seen"
expected='rows: $CURRENT_USER, $NOW, false, null, plain, true
by _in with all of them: plain
by _eq, one by one: plain
by keys: $CURRENT_USER, $NOW, false, null, plain, true
by their paths: 200, 200, 200, 200, 200, 200'
[[ $seen == "$expected" ]] || { echo "this is not what was recorded" >&2 && exit 1; }
