// A server that does what a real one cannot be made to do: what a test says, as fast as it can.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A text frame. */
export function frame(message) {
    const payload = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    const { length } = payload;
    if (length < 126) {
        return Buffer.concat([Buffer.from([0x81, length]), payload]);
    }
    const head = length < 65536 ? Buffer.alloc(4) : Buffer.alloc(10);
    head[0] = 0x81;
    head[1] = length < 65536 ? 126 : 127;
    if (length < 65536) {
        head.writeUInt16BE(length, 2);
    } else {
        head.writeBigUInt64BE(BigInt(length), 2);
    }
    return Buffer.concat([head, payload]);
}

/** The messages in what a client has sent; short frames come whole. */
export function* messages(bytes) {
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

/** Has nothing to show, and nothing against anything. */
export function agree({ type, uid }, send) {
    if (type === 'subscribe') {
        send({ type: 'subscription', event: 'init', data: [], uid });
    } else if (type === 'unsubscribe') {
        send({ type: 'subscription', event: 'unsubscribe', uid });
    }
}

/**
 * Lets in whoever has a token that `accepts` takes, and answers reads, and pings unless told not to.
 * `answer` gets the other messages, with a function to send: messages, or bytes of whole frames.
 */
export async function startScripted(answer, accepts = () => true, port = 0, answersPings = true) {
    const sockets = new Set();
    const server = createServer();
    server.on('upgrade', (request, socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket)).on('error', () => {});
        const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID);
        socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
                `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
        );
        const send = (message) => socket.write(Buffer.isBuffer(message) ? message : frame(message));
        socket.on('data', (bytes) => {
            for (const message of messages(bytes)) {
                const { type, uid } = message;
                if (type === 'auth' && !accepts(message.access_token)) {
                    const error = { code: 'AUTH_FAILED', message: 'Authentication handshake failed.' };
                    send({ type: 'auth', status: 'error', error, uid });
                    socket.end(Buffer.from([0x88, 0]));
                } else if (type === 'auth') {
                    send({ type: 'auth', status: 'ok', uid });
                } else if (type === 'ping') {
                    if (answersPings) {
                        send({ type: 'pong', uid });
                    }
                } else if (type === 'items' && message.action === 'read') {
                    send({ type: 'items', data: [], uid });
                } else if (type === 'close') {
                    socket.end(Buffer.from([0x88, 0]));
                } else {
                    answer(message, send, socket);
                }
            }
        });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return {
        url: `http://127.0.0.1:${server.address().port}`,
        /** How many links there are. */
        links: () => sockets.size,
        async close() {
            for (const socket of sockets) {
                socket.destroy();
            }
            server.close();
            await once(server, 'close');
        },
    };
}
