// The other end, on a thread of its own: it sends frames that were built beforehand, as fast as they
// are taken.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { frame, startScripted } from '../test/scripted.mjs';

/** Frames of this many events are built, and sent again and again. */
const BUILT = 1000;

/** Whole frames, each with an item that has `bytes` characters as JSON. */
function build(uid, bytes) {
    const frames = Array.from({ length: BUILT }, (_, id) => {
        const bare = JSON.stringify({ id, status: 'published', title: '' }).length;
        const data = [{ id, status: 'published', title: 'x'.repeat(bytes - bare) }];
        return frame({ type: 'subscription', event: 'create', data, uid });
    });
    return Buffer.concat(frames);
}

const server = await startScripted(async (message, send, socket) => {
    const { type, uid } = message;
    if (type === 'subscribe') {
        socket.subscribed = uid;
        send({ type: 'subscription', event: 'init', data: [], uid });
    } else if (type === 'burst') {
        const frames = build(socket.subscribed, message.bytes);
        for (let sent = 0; sent < message.events && !socket.destroyed; sent += BUILT) {
            if (!socket.write(frames)) {
                await once(socket, 'drain');
            }
        }
    } else if (type === 'unsubscribe') {
        send({ type: 'subscription', event: 'unsubscribe', uid });
    }
});
parentPort.postMessage(server.url);
