// Connects, closes when standard input says so, and ends when nothing keeps it alive.
import { createClient } from 'directus-realtime';

const client = createClient(process.argv[2], { accessToken: process.argv[3] });
await client.subscribe({ collection: 'posts' }, () => {}).ready();
console.log('ready');
process.stdin.once('data', async () => {
    await client.close();
    console.log('closed');
});
process.stdin.unref();
