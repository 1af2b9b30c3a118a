// A live feed: the latest posts, redrawn whenever one changes.
//
//     DIRECTUS_TOKEN=… node feed.mjs http://localhost:8055
//
// Ends by Ctrl-C.
import process from 'node:process';
import { begin, giveUp } from './begin.mjs';

const [url] = process.argv.slice(2);
if (url === undefined) {
    console.error('usage: DIRECTUS_TOKEN=... feed.mjs URL');
    process.exit(2);
}
const client = begin(url);
const { isConnected, subscribe } = client.useRealtime();
const posts = new Map();
let note = '';

function draw() {
    console.log(`\n${isConnected.value ? '● Online' : '○ Offline'}  ${note}`);
    console.log(`Live posts feed: ${posts.size} posts`);
    for (const id of [...posts.keys()].sort((a, b) => b - a)) {
        const { title, status } = posts.get(id);
        console.log(`${String(id).padStart(6)}  ${title ?? ''}  ${status ?? ''}`);
    }
}

client.on('state', ({ state, message }) => {
    note = state === 'connected' ? '' : message;
    draw();
});
subscribe(
    {
        collection: 'posts',
        uid: 'live-posts-feed',
        query: { fields: ['id', 'title', 'status'], sort: ['-id'], limit: -1 },
    },
    (event) => {
        if (event.type === 'init') {
            // Replaces the old posts, which may be out of date after a gap.
            posts.clear();
            event.data.forEach((post) => posts.set(post.id, post));
        } else if (event.type === 'delete') {
            posts.delete(event.data.id);
        } else if (event.type === 'error' && event.ended) {
            giveUp(client, event.data.message);
        } else if (event.type === 'error') {
            note = event.data.message;
        } else {
            posts.set(event.data.id, event.data);
        }
        draw();
    },
);
process.on('SIGINT', () => client.close());
