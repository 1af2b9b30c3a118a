// One run of a flood of events in Node: through the package, or through its peer.
//
// The peer is `ws` with JSON.parse, as an application would write it that does without the package: it
// parses each frame, finds the handler of its uid and calls that.
//
//     node benches/node/flood.mjs --url URL --frames N [--touch | --no-touch] [--peer | --no-peer]
//
// The server is that of `benches/library`. Prints one line of JSON.
import { createRequire } from 'node:module';
import process from 'node:process';
import { parseArgs } from 'node:util';

// What is measured is installed in the package's folder.
const require = createRequire(new URL('../../bindings/node/package.json', import.meta.url));

const boolean = (value) => ({ type: 'boolean', default: value });
const { values } = parseArgs({
    options: {
        url: { type: 'string' },
        frames: { type: 'string' },
        touch: boolean(true),
        'no-touch': boolean(false),
        peer: boolean(false),
        'no-peer': boolean(false),
    },
});
const frames = Number(values.frames);
const touch = values.touch && !values['no-touch'];
const peer = values.peer && !values['no-peer'];

/** Counts events, and measures from the first to the last, after which it calls `finish`. */
function counter(finish) {
    let [seen, began, cpu] = [0, 0, undefined];
    return () => {
        if (++seen === 1) {
            [began, cpu] = [performance.now(), process.cpuUsage()];
        } else if (seen === frames) {
            const seconds = (performance.now() - began) / 1000;
            const { user, system } = process.cpuUsage(cpu);
            finish({
                events: seen,
                seconds,
                events_per_second: frames / seconds,
                process_seconds: (user + system) / 1e6,
            });
        }
    };
}

function check(item) {
    if (!item.id) {
        throw new Error(`this is not what was sent: ${JSON.stringify(item)}`);
    }
}

function throughPackage() {
    const { createClient } = require('directus-realtime');
    // So large a queue that nothing overflows where the server is faster.
    const client = createClient(values.url, { accessToken: 't', queueBytes: 2 ** 32 });
    return new Promise((resolve) => {
        const count = counter((result) => void client.close().then(() => resolve(result)));
        const touched = (event) => {
            if (event.type === 'create') {
                check(event.data);
                count();
            }
        };
        const untouched = (event) => {
            if (event.type === 'create') {
                count();
            }
        };
        client.subscribe({ collection: 'posts' }, touch ? touched : untouched);
    });
}

function throughWs() {
    const { WebSocket } = require('ws');
    const socket = new WebSocket(values.url.replace(/^http/, 'ws'), { perMessageDeflate: false });
    return new Promise((resolve) => {
        const count = counter((result) => {
            socket.terminate();
            resolve(result);
        });
        const create = ({ data }) => {
            for (const item of data) {
                if (touch) {
                    check(item);
                }
                count();
            }
        };
        const handlers = new Map([['s', create]]);
        socket.on('message', (text) => {
            const message = JSON.parse(text);
            if (message.type === 'subscription' && message.event === 'create') {
                handlers.get(message.uid)?.(message);
            }
        });
        socket.on('open', () => {
            socket.send('{"type":"subscribe","collection":"posts","uid":"s"}');
            socket.send('{"type":"items","action":"read","collection":"posts","uid":"r"}');
        });
    });
}

console.log(JSON.stringify(await (peer ? throughWs() : throughPackage())));
