// A relay in front of a server, whose links can be cut, refused, or left hanging.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { messages } from './scripted.mjs';

export async function startRelay(target) {
    const { hostname, port } = new URL(target);
    const sockets = new Set();
    const sent = [];
    let isRefusing = false;

    const server = createServer((near) => {
        if (isRefusing) {
            near.destroy();
            return;
        }
        const far = connect(Number(port), hostname);
        let isUpgraded = false;
        for (const [from, to] of [
            [near, far],
            [far, near],
        ]) {
            sockets.add(from);
            from.on('error', () => {});
            from.on('close', () => {
                sockets.delete(from);
                to.destroy();
            });
            from.on('data', (bytes) => {
                if (from.isHanging) {
                    return;
                }
                if (from === near && isUpgraded) {
                    sent.push(...messages(bytes));
                }
                isUpgraded ||= from === far;
                to.write(bytes);
            });
        }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cut = () => sockets.forEach((socket) => socket.destroy());
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        /** The clients' messages. */
        sent,
        cut,
        refuse(refuses = true) {
            isRefusing = refuses;
        },
        /** Links that are there pass nothing on any more; new ones do. */
        hang() {
            sockets.forEach((socket) => (socket.isHanging = true));
        },
        async close() {
            cut();
            server.close();
            await once(server, 'close');
        },
    };
}
