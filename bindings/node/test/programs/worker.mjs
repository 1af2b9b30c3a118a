// A worker thread with a client of its own, which ends in the way that a message says.
import { parentPort, workerData } from 'node:worker_threads';
import { createClient } from 'directus-realtime';

const client = createClient(workerData.url, { accessToken: workerData.token });
client.subscribe({ collection: 'posts', query: { limit: 0 } }, ({ type }) => parentPort.postMessage(type));
parentPort.on('message', async (how) => {
    if (how === 'exit') {
        process.exit(7);
    } else if (how === 'close') {
        await client.close();
        parentPort.close();
    }
});
