// A relay in front of a server. Its links can be cut, refused, or made to hang.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** The messages in a chunk that a client has sent; short frames arrive whole. */
function* messages(bytes) {
    while (bytes.length > 0) {
        const long = (bytes[1] & 0x7f) === 126;
        const length = long ? bytes.readUInt16BE(2) : bytes[1] & 0x7f;
        const start = long ? 4 : 2;
        const mask = bytes.subarray(start, start + 4);
        const payload = bytes.subarray(start + 4, start + 4 + length).map((byte, n) => byte ^ mask[n % 4]);
        const opcode = bytes[0] & 0x0f;
        yield opcode === 8 ? { type: 'close' } : JSON.parse(payload.toString());
        bytes = bytes.subarray(start + 4 + length);
    }
}

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
        /** The messages that clients have sent. */
        sent,
        cut,
        refuse(refuses = true) {
            isRefusing = refuses;
        },
        /** The present links forward no more data; new links do. */
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
