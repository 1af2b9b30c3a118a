// A live feed of posts in browsers: passes changes in Directus on by server-sent events.
//
//     DIRECTUS_TOKEN=… node server.mjs http://localhost:8055 [--port 8080] [--host 127.0.0.1]
//
// The token stays in this server, and browsers see only what it sends them. The port may also come
// from PORT; 0 takes a free one. Ends by Ctrl-C.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { createClient } from 'directus-realtime';
import { Browsers } from './browsers.mjs';

const { url, host, port } = settings();
const browsers = new Browsers();
const client = createClient(url, { accessToken: process.env.DIRECTUS_TOKEN, reconnectMaxMs: 5000 });
let state = 'connecting';
let posts;

client.on('state', (change) => {
    // The reason is only logged: it may contain details that browsers must not see.
    console.log(change.state === 'connected' ? '●' : '○', change.message);
    state = change.state;
    browsers.send('state', { state });
    if (state === 'failed') {
        stop(change.message);
    }
});

/** The posts, newest first, and each change of them for the browsers. */
function follow() {
    const query = { fields: ['id', 'title', 'content', 'status'], sort: ['-id'] };
    let before = 'loading';
    posts = client.live(
        { collection: 'posts', uid: 'live-posts-feed', query },
        ({ status, changes, error }) => {
            if (error) {
                console.error(`! ${error.message}`);
            }
            if (status === 'ended') {
                stop('Directus has refused to show the posts');
            } else if (before === 'loading') {
                browsers.send('posts', posts.rows);
            } else if (changes.length > 0 || (before === 'stale' && status === 'current')) {
                browsers.send('changes', { gap: before === 'stale', changes });
            }
            before = status;
        },
    );
}

/** A browser that connects gets the current state and posts first, then the changes. */
function listen(response) {
    const now = [['state', { state }]];
    if (posts && posts.status !== 'loading') {
        now.push(['posts', posts.rows]);
    }
    browsers.add(response, now);
}

const FILES = new Map(
    [
        ['/', 'index.html', 'text/html; charset=utf-8'],
        ['/page.css', 'page.css', 'text/css; charset=utf-8'],
        ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
    ].map(([path, name, type]) => [path, { type, body: readFileSync(new URL(name, import.meta.url)) }]),
);

const server = createServer((request, response) => {
    const [path] = request.url.split('?');
    const file = FILES.get(path);
    response.setHeader('Content-Security-Policy', "default-src 'self'; img-src data:");
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cache-Control', 'no-cache');
    if (request.method !== 'GET') {
        response.writeHead(405, { Allow: 'GET' }).end();
    } else if (path === '/events') {
        listen(response);
    } else if (file) {
        response.writeHead(200, { 'Content-Type': file.type }).end(file.body);
    } else {
        response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is no such page.\n');
    }
});

server.on('error', (error) => stop(error.message));
server.listen(port, host, () => {
    const name = host.includes(':') ? `[${host}]` : host;
    console.log(`The feed is at http://${name}:${server.address().port}/`);
    follow();
});
process.once('SIGINT', () => stop());
process.once('SIGTERM', () => stop());

async function stop(problem) {
    if (problem) {
        console.error(`! ${problem}`);
        process.exitCode = 1;
    }
    server.close();
    server.closeAllConnections();
    await client.close();
}

function settings() {
    const options = {
        port: { type: 'string', default: process.env.PORT || '8080' },
        host: { type: 'string', default: '127.0.0.1' },
    };
    try {
        const { values, positionals } = parseArgs({ options, allowPositionals: true });
        if (positionals.length === 1 && /^\d+$/.test(values.port) && values.port <= 65535) {
            return { url: positionals[0], host: values.host, port: Number(values.port) };
        }
    } catch (error) {
        console.error(error.message);
    }
    console.error('usage: DIRECTUS_TOKEN=... server.mjs URL [--port PORT] [--host HOST]');
    process.exit(2);
}
