/** What the library delivers: rows, whose numbers are in an index, and whose text is parsed on first use. */

import type { UpdateRow } from './live.js';

export const EVENT = 0;
export const STATE = 1;
export const TOKEN_WANTED = 2;
export const REPLY = 3;
export const RELEASED = 4;

/** Rows in a batch, at most. */
export const MAX_ROWS = 256;
/** `drt_row_entry`, in 32-bit words; numbers of two words begin with the lower one. */
const WORDS = 16;
export const ENTRY_BYTES = 4 * WORDS;
const ID = 0;
const BEGIN = 4;
const DATA_END = 6;
const END = 8;
const ROW = 10;
const KIND = 11;
const FLAGS = 12;
const INDEX = 13;
const COUNT = 14;

export type StateRow = [type: typeof STATE, state: number, reason: number, message: string];
export type TokenRow = [type: typeof TOKEN_WANTED, reason: number];
/** `answer` is what the server has answered, or its error object; null where there is none. */
export type ReplyRow = [
    type: typeof REPLY,
    id: number,
    status: number,
    answer: Record<string, unknown> | null,
    message: string,
];
/** Nothing more comes with this id. */
export type ReleasedRow = [type: typeof RELEASED, id: number];
export type OtherRow = StateRow | TokenRow | ReplyRow | ReleasedRow | UpdateRow;

/** Room for the index of a batch. */
export const newIndex = () => new Uint32Array(MAX_ROWS * WORDS);

/** Whether the application reads the data of events: then it is parsed for a whole batch at a time. */
export interface DataUse {
    isRead: boolean;
}

/** What was taken from the library at a time. */
export class Batch {
    readonly length: number;
    /** The average size of a row, in bytes of JSON. */
    readonly weight: number;
    /** Marked when the data of an event is read that was not parsed with the batch. */
    readonly use: DataUse;
    readonly #words: Uint32Array;
    readonly #text: string;
    /** The same, where characters and bytes are not at the same places. */
    readonly #bytes: Buffer | undefined;
    /** What all rows are, if they were parsed together. */
    readonly #values: unknown[] | undefined;

    /** `words` must not change while the batch is in use. `size` is that of the text in bytes. */
    constructor(words: Uint32Array, length: number, text: string, size: number, use: DataUse) {
        this.length = length;
        this.weight = Math.ceil(size / Math.max(1, length));
        this.use = use;
        this.#words = words;
        this.#text = text;
        this.#bytes = text.length === size ? undefined : Buffer.from(text);
        this.#values = use.isRead ? this.#parse() : undefined;
        // The batches that follow depend on what is read of this one.
        use.isRead = false;
    }

    /** The first element of a row. */
    kind(at: number): number {
        return this.#words[at * WORDS + ROW]!;
    }

    /** The number that the subscription or request was made with. */
    id(at: number): number {
        const word = at * WORDS + ID;
        return this.#words[word]! + this.#words[word + 1]! * 2 ** 32;
    }

    eventKind(at: number): number {
        return this.#words[at * WORDS + KIND]!;
    }

    flags(at: number): number {
        return this.#words[at * WORDS + FLAGS]!;
    }

    index(at: number): number {
        return this.#words[at * WORDS + INDEX]!;
    }

    count(at: number): number {
        return this.#words[at * WORDS + COUNT]!;
    }

    /** An event's data; `undefined` where it was not parsed with the batch. */
    value(at: number): unknown {
        return this.#values?.[at];
    }

    /** An event's data, in JSON. */
    data(at: number): string {
        return this.#slice(at, BEGIN, DATA_END);
    }

    /** An event's meta, in JSON; empty where there is none. */
    meta(at: number): string {
        return this.#hasMeta(at) ? this.#slice(at, DATA_END, END) : '';
    }

    /** A row that is no event. */
    other(at: number): OtherRow {
        return JSON.parse(this.#slice(at, BEGIN, END)) as OtherRow;
    }

    /**
     * Parses all rows at once, which takes two thirds of the time. The first event is left out: whether its
     * data is read decides about the next batch.
     */
    #parse(): unknown[] | undefined {
        let sample = -1;
        for (let at = this.length - 1; at >= 0; at--) {
            if (this.#hasMeta(at)) {
                // The text is no list of values.
                return undefined;
            }
            if (this.kind(at) === EVENT) {
                sample = at;
            }
        }
        if (sample < 0) {
            return undefined;
        }
        const values = JSON.parse(`[${this.#text}]`) as unknown[];
        values[sample] = undefined;
        return values;
    }

    #hasMeta(at: number): boolean {
        return this.#words[at * WORDS + DATA_END] !== this.#words[at * WORDS + END];
    }

    /** The text between two places of a row. They are below 4 GiB, as no string is as large. */
    #slice(at: number, from: number, to: number): string {
        const begin = this.#words[at * WORDS + from]!;
        const end = this.#words[at * WORDS + to]!;
        return this.#bytes?.toString('utf8', begin, end) ?? this.#text.slice(begin, end);
    }
}
