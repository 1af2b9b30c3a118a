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
    /** The argument or option that is wrong, where one is. */
    declare readonly argument?: string;
    /** The error that the server reported, with the code `DRT_ERR_SERVER`. */
    declare readonly server?: ServerError;

    constructor(code: ErrorCode, message: string, more: ErrorDetails = {}) {
        const { cause, ...details } = more;
        super(message, cause === undefined ? undefined : { cause });
        this.code = code;
        Object.assign(this, details);
    }
}

export interface ErrorDetails {
    cause?: unknown;
    argument?: string;
    server?: ServerError;
}

/** The server's error object. */
export function serverError(error: unknown): ServerError {
    const { code, message } = (error ?? {}) as Partial<ServerError>;
    return { code: String(code ?? 'UNKNOWN'), message: String(message ?? '') };
}

/** Reports an error that a callback of the application threw as an uncaught exception. */
export function reportUncaught(error: unknown): void {
    queueMicrotask(() => {
        throw error;
    });
}
