/**
 * The library's log. There is one for the whole process: it has the messages of all clients in all threads,
 * and the last `setLog` of any thread replaces the earlier ones.
 *
 * The library's threads do not call JavaScript, because each message would make them wait for its thread.
 * They write into a socket instead, which is read here when the event loop gets to it.
 */

import { AsyncResource } from 'node:async_hooks';
import { readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { debuglog } from 'node:util';
import { openSocket } from './abi/descriptor.js';
import { getAbi } from './abi/index.js';
import { translateMessage } from './abi/messages.js';
import { choose, optionalFunction } from './checks.js';
import { reportUncaught } from './errors.js';

const NAMES = ['off', 'error', 'warn', 'info', 'debug', 'trace'] as const;
const LEVELS = Object.fromEntries(NAMES.map((name, level) => [name, level]));

/** How much is logged. Each level includes those before it. */
export type LogLevel = (typeof NAMES)[number];

/** Takes a log message. `target` names the part of the library. Messages contain no secrets. */
export type LogFunction = (level: Exclude<LogLevel, 'off'>, target: string, message: string) => void;

/**
 * Sends the log of all clients to `log`, up to `level`. With `'off'`, or without a function, the
 * environment variable `DRT_LOG` applies again. Messages come in order, on this thread, with a short
 * delay. Messages that wait do not keep the process alive.
 */
export function setLog(level: LogLevel, log?: LogFunction | null): void {
    // A level that is missing is an error here, not the default.
    choose('level', level ?? '', LEVELS);
    optionalFunction('log', log);
    isSetByApplication = level !== 'off' && log !== undefined && log !== null;
    start(level, log ?? undefined);
}

function start(level: LogLevel, log: LogFunction | undefined): void {
    const abi = getAbi();
    reader?.close();
    reader = undefined;
    if (level === 'off' || log === undefined) {
        abi.endLog();
    } else {
        reader = new LogReader(abi.openLog(LEVELS[level]!), log);
    }
}

let reader: LogReader | undefined;
/** The application has called `setLog`, which takes precedence over `NODE_DEBUG`. */
let isSetByApplication = false;

/** `NODE_DEBUG=directus-realtime` prints the log, as it does for Node's own modules. */
export function startDebugLog(): void {
    const print = debuglog('directus-realtime');
    if (!isSetByApplication && reader === undefined && print.enabled) {
        start('debug', (level, target, message) => print('%s %s: %s', level, target, message));
    }
}

/** Whether the environment sends messages of this level to standard error. */
export function isPrinted(level: LogLevel): boolean {
    const wanted = debuglog('directus-realtime').enabled ? 'debug' : process.env['DRT_LOG'];
    return !isSetByApplication && (LEVELS[wanted?.trim().toLowerCase() ?? ''] ?? 0) >= LEVELS[level]!;
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
        this.#socket = openSocket(fd);
        this.#socket
            .setEncoding('utf8')
            .on('data', (text: unknown) => this.#split(String(text)))
            .on('close', () => process.off('exit', this.#atExit))
            .unref();
        process.on('exit', this.#atExit);
    }

    close(): void {
        this.#readRest();
        this.#socket.destroy();
    }

    #split(text: string): void {
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

    /** Reads everything that has been written so far. */
    #readRest(): void {
        process.off('exit', this.#atExit);
        const chunk = Buffer.alloc(64 * 1024);
        try {
            for (let read = 1; read > 0 && !this.#socket.destroyed;) {
                read = readSync(this.#fd, chunk);
                this.#split(chunk.toString('utf8', 0, read));
            }
        } catch {
            // Nothing is left to read.
        }
    }
}

/** A line as a message; `undefined` when it was cut off because the socket was full. */
function parse(line: string): [level: number, target: string, message: string] | undefined {
    try {
        return JSON.parse(line);
    } catch {
        return undefined;
    }
}
