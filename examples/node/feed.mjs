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
let note = '';
const posts = client.live(
    {
        collection: 'posts',
        uid: 'live-posts-feed',
        query: { fields: ['id', 'title', 'status'], sort: ['-id'] },
    },
    ({ status, error }) => {
        if (status === 'ended') {
            giveUp(client, error.message);
        }
        note = error?.message ?? '';
        draw();
    },
);

function draw() {
    console.log(`\n${client.isConnected ? '● Online' : '○ Offline'}  ${note}`);
    console.log(`Live posts feed: ${posts.rows.length} posts`);
    for (const { id, title, status } of posts.rows) {
        console.log(`${String(id).padStart(6)}  ${title ?? ''}  ${status ?? ''}`);
    }
}

client.on('state', ({ state, message }) => {
    note = state === 'connected' ? '' : message;
    draw();
});
process.on('SIGINT', () => client.close());
