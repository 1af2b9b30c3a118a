/**
 * The library's log. It is the process's: it has the messages of all clients, those of other threads
 * included, and the last `setLog` of any thread counts.
 *
 * A function that the library's threads could call would make them wait for this one. So they write
 * into a socket instead, and what they write is read here whenever this thread has time.
 */

import { AsyncResource } from 'node:async_hooks';
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { debuglog } from 'node:util';
import { Abi } from './abi/index.js';
import { translateMessage } from './abi/messages.js';
import { choose, optionalFunction } from './checks.js';
import { reportUncaught } from './errors.js';

const NAMES = ['off', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const LEVELS = Object.fromEntries(NAMES.map((name, level) => [name, level]));

/** How much is logged: the messages of a level include those of the levels before it. */
export type LogLevel = (typeof NAMES)[number];

/** Takes a log message. `target` names the part of the library. No secret is ever in a message. */
export type LogFunction = (level: Exclude<LogLevel, 'off'>, target: string, message: string) => void;

/**
 * Sends the log of all clients to `log`, up to `level`. `'off'`, or no function, ends it; then
 * `DRT_LOG` in the environment decides again. Messages come in order, on this thread, and a moment
 * later; one that is waiting does not keep the process alive.
 */
export function setLog(level: LogLevel, log?: LogFunction | null): void {
    // What was not given is no level.
    choose('level', level ?? '', LEVELS);
    optionalFunction('log', log);
    isDecided = level !== 'off' && log !== undefined && log !== null;
    take(level, log ?? undefined);
}

function take(level: LogLevel, log: LogFunction | undefined): void {
    const abi = Abi.get();
    reader?.close();
    reader = undefined;
    if (level === 'off' || log === undefined) {
        abi.endLog();
    } else {
        reader = new LogReader(abi.openLog(LEVELS[level]!), log);
    }
}

let reader: LogReader | undefined;
/** Whether the application takes the log, which goes before `NODE_DEBUG`. */
let isDecided = false;

/** `NODE_DEBUG=directus-realtime` prints the log, as it does for Node's own modules. */
export function startDebugLog(): void {
    const print = debuglog('directus-realtime');
    if (!isDecided && reader === undefined && print.enabled) {
        take('debug', (level, target, message) => print('%s %s: %s', level, target, message));
    }
}

/** Whether messages of this level are on standard error already, because the environment says so. */
export function isPrinted(level: LogLevel): boolean {
    const wanted = debuglog('directus-realtime').enabled ? 'debug' : process.env['DRT_LOG'];
    return !isDecided && (LEVELS[wanted?.trim().toLowerCase() ?? ''] ?? 0) >= LEVELS[level]!;
}

class LogReader {
    readonly #fd: number;
    readonly #socket: Socket;
    readonly #log: LogFunction;
    readonly #context = new AsyncResource('DirectusRealtimeLog');
    readonly #atExit = () => this.#readRest();
    #text = '';

    constructor(fd: number, log: LogFunction) {
        this.#fd = fd;
        this.#log = log;
        this.#socket = new Socket({ fd, readable: true, writable: false });
        this.#socket
            .setEncoding('utf8')
            .on('data', (text: unknown) => this.#take(String(text)))
            // It ends when something else takes the log.
            .on('error', () => {})
            .on('close', () => process.off('exit', this.#atExit))
            .unref();
        process.on('exit', this.#atExit);
    }

    close(): void {
        this.#readRest();
        this.#socket.destroy();
    }

    #take(text: string): void {
        const lines = (this.#text + text).split('\n');
        this.#text = lines.pop() ?? '';
        for (const line of lines) {
            const message = parse(line);
            if (message !== undefined) {
                this.#call(...message);
            }
        }
    }

    #call(level: number, target: string, message: string): void {
        const name = NAMES[level];
        if (name !== undefined && name !== 'off') {
            try {
                this.#context.runInAsyncScope(this.#log, undefined, name, target, translateMessage(message));
            } catch (error) {
                reportUncaught(error);
            }
        }
    }

    /** What has been written, but not been read: after this, nothing is. */
    #readRest(): void {
        process.off('exit', this.#atExit);
        const chunk = Buffer.alloc(64 * 1024);
        try {
            for (let read = 1; read > 0 && !this.#socket.destroyed;) {
                read = readSync(this.#fd, chunk);
                this.#take(chunk.toString('utf8', 0, read));
            }
        } catch {
            // Nothing is there any more.
        }
    }
}

/** A line, unless it was cut off because this thread was busy for too long. */
function parse(line: string): [level: number, target: string, message: string] | undefined {
    try {
        return JSON.parse(line);
    } catch {
        return undefined;
    }
}
