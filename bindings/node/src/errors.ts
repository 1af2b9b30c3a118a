/** The error type of this package. */

/** The library's status names, and `ERR_LIBRARY` for a library that cannot be loaded. */
export type ErrorCode =
    | 'DRT_ERR_INVALID_ARGUMENT'
    | 'DRT_ERR_INVALID_HANDLE'
    | 'DRT_ERR_INVALID_UTF8'
    | 'DRT_ERR_INVALID_JSON'
    | 'DRT_ERR_NOT_FOUND'
    | 'DRT_ERR_NOT_CONNECTED'
    | 'DRT_ERR_CLOSED'
    | 'DRT_ERR_TIMEOUT'
    | 'DRT_ERR_AUTH'
    | 'DRT_ERR_SERVER'
    | 'DRT_ERR_IO'
    | 'DRT_ERR_TLS'
    | 'DRT_ERR_QUEUE_FULL'
    | 'DRT_ERR_WOULD_DEADLOCK'
    | 'DRT_ERR_FORKED'
    | 'DRT_ERR_INTERNAL'
    | 'ERR_LIBRARY';

/** An error as the Directus server reports it. */
export interface ServerError {
    /** For instance `FORBIDDEN`. */
    code: string;
    message: string;
}

/** Every error of this package. */
export class DirectusRealtimeError extends Error {
    override readonly name = 'DirectusRealtimeError';
    readonly code: ErrorCode;
    /** The error that the server reported, with the code `DRT_ERR_SERVER`. */
    declare readonly server?: ServerError;

    constructor(code: ErrorCode, message: string, more: { cause?: unknown; server?: ServerError } = {}) {
        super(message, more.cause === undefined ? undefined : { cause: more.cause });
        this.code = code;
        if (more.server !== undefined) {
            this.server = more.server;
        }
    }

    /** From the server's error object; `what` is what the server refused. */
    static fromServer(what: string, error: unknown): DirectusRealtimeError {
        const { code, message } = (error ?? {}) as Partial<ServerError>;
        const server = { code: String(code ?? 'UNKNOWN'), message: String(message ?? '') };
        const sentence = `the server refused ${what}: ${server.code}: ${server.message}`;
        return new DirectusRealtimeError('DRT_ERR_SERVER', sentence, { server });
    }
}

/** Reports an error that a callback of the application threw as an uncaught exception. */
export function reportUncaught(error: unknown): void {
    queueMicrotask(() => {
        throw error;
    });
}
