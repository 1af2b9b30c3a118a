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

/** What was taken from the library at a time. */
export class Batch {
    readonly length: number;
    /** The average size of a row, in bytes of JSON. */
    readonly weight: number;
    readonly #words: Uint32Array;
    readonly #text: string;
    /** The same, where characters and bytes are not at the same places. */
    readonly #bytes: Buffer | undefined;

    /** `words` must not change while the batch is in use. `size` is that of the text in bytes. */
    constructor(words: Uint32Array, length: number, text: string, size: number) {
        this.length = length;
        this.weight = Math.ceil(size / Math.max(1, length));
        this.#words = words;
        this.#text = text;
        this.#bytes = text.length === size ? undefined : Buffer.from(text);
    }

    /** The first element of a row. */
    kind(at: number): number {
        return this.#words[at * WORDS + ROW]!;
    }

    /** The number that the subscription or request was made with. */
    id(at: number): number {
        return this.#number(at * WORDS + ID);
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

    /** An event's data, in JSON. */
    data(at: number): string {
        return this.#slice(at * WORDS + BEGIN, at * WORDS + DATA_END);
    }

    /** An event's meta, in JSON; empty where there is none. */
    meta(at: number): string {
        return this.#slice(at * WORDS + DATA_END, at * WORDS + END);
    }

    /** A row that is no event. */
    other(at: number): OtherRow {
        return JSON.parse(this.#slice(at * WORDS + BEGIN, at * WORDS + END)) as OtherRow;
    }

    #number(at: number): number {
        return this.#words[at]! + this.#words[at + 1]! * 2 ** 32;
    }

    /** The text between the places that these two words hold. */
    #slice(from: number, to: number): string {
        const [begin, end] = [this.#number(from), this.#number(to)];
        return this.#bytes?.toString('utf8', begin, end) ?? this.#text.slice(begin, end);
    }
}
