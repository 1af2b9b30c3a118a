// An open client that does not keep the process alive.
import { createClient } from 'directus-realtime';

const client = createClient(process.argv[2], { accessToken: process.argv[3] });
client.unref().ref().unref();
// Something else keeps the process alive until the first event is there.
const other = setInterval(() => {}, 1000);
await client.subscribe({ collection: 'posts' }, () => {}).ready();
console.log('ready');
clearInterval(other);
