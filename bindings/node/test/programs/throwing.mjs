// Its callbacks throw. With `survive` it handles the process events for that, and goes on.
import { createClient } from 'directus-realtime';

const [, , url, token, mode] = process.argv;
if (mode === 'survive') {
    process.on('uncaughtException', (error, origin) => console.log(`${origin}: ${error.message}`));
}
const client = createClient(url, { accessToken: token });
client.on('connected', () => {
    throw new Error('listener');
});
client.subscribe({ collection: 'posts', event: 'create' }, ({ type, index }) => {
    if (type === 'create') {
        console.log(`event ${index}`);
        if (index === 0) {
            throw new Error('handler');
        }
    }
});
client.subscribe({ collection: 'posts', event: 'delete' }, async ({ type }) => {
    if (type === 'init') {
        throw new Error('promise');
    }
    console.log(type);
});
await Promise.all(client.getActiveSubscriptions().map((subscription) => subscription.ready()));
console.log('ready');
process.stdin.once('data', () => client.close());
