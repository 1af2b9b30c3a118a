// All rows of a collection in Node: through a live collection, or through its peer, which is `ws` with
// JSON.parse: it reads the rows and parses the answer.
//
//     node benches/node/rows.mjs --url URL --rows N [--peer | --no-peer]
//
// The server is that of `benches/library`. Prints one line of JSON: seconds until the rows are there, and
// until each of them was looked at.
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

// What is measured is installed in the package's folder.
const require = createRequire(new URL('../../bindings/node/package.json', import.meta.url));

const { values } = parseArgs({
    options: {
        url: { type: 'string' },
        rows: { type: 'string' },
        peer: { type: 'boolean', default: false },
        'no-peer': { type: 'boolean', default: false },
    },
});
const count = Number(values.rows);

/** Measures from its making on; the function that it returns is called when the rows are there. */
function watch() {
    const began = performance.now();
    const passed = () => (performance.now() - began) / 1000;
    return (rows) => {
        const opened = passed();
        let seen = 0;
        for (const row of rows) {
            seen += row.id ? 1 : 0;
        }
        if (seen !== count) {
            throw new Error(`${seen} rows are not those that were sent`);
        }
        return { opened, iterated: passed() };
    };
}

async function throughPackage() {
    const { createClient } = require('directus-realtime');
    const client = createClient(values.url, { accessToken: 't' });
    await client.connect();
    const take = watch();
    const posts = client.live({ collection: 'posts' });
    await posts.ready();
    const result = take(posts.rows);
    await client.close();
    return result;
}

function throughWs() {
    const { WebSocket } = require('ws');
    const options = { perMessageDeflate: false, maxPayload: 2 ** 30 };
    const socket = new WebSocket(values.url.replace(/^http/, 'ws'), options);
    return new Promise((resolve) => {
        let take;
        const answers = {
            auth: () => {
                take = watch();
                socket.send('{"type":"subscribe","collection":"posts","query":{"limit":0},"uid":"s"}');
            },
            subscription: () => {
                socket.send('{"type":"items","action":"read","collection":"posts","uid":"r"}');
            },
            items: ({ data }) => {
                resolve(take(data));
                socket.close();
            },
        };
        socket.on('message', (text) => {
            const message = JSON.parse(text);
            answers[message.type](message);
        });
        socket.on('open', () => socket.send('{"type":"auth","access_token":"t"}'));
    });
}

console.log(JSON.stringify(await (values.peer && !values['no-peer'] ? throughWs() : throughPackage())));
