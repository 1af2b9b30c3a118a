/** Reading and writing the items of a collection over the client's link. */

import { invalid } from './options.js';
import type { RequestOptions } from './requests.js';

export type Key = string | number;

/** `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias` … */
export type Query = Record<string, any>;

type Send = (message: object, options?: RequestOptions) => Promise<Record<string, unknown>>;

/**
 * The server takes the key 0 for none at all, and would read, or change, the whole collection; as
 * text it means what it says.
 */
function keyText(key: Key): string {
    if (key === '' || (typeof key !== 'string' && !Number.isFinite(key))) {
        throw invalid(`\`key\` is ${JSON.stringify(key)}: it is a primary key`);
    }
    return String(key);
}

function isKey(value: unknown): value is Key {
    return typeof value === 'string' || typeof value === 'number';
}

export class Items<T = any> {
    readonly collection: string;
    readonly #send: Send;

    /** @internal */
    constructor(send: Send, collection: string) {
        this.collection = collection;
        this.#send = send;
    }

    async #ask(action: string, rest: object, options?: RequestOptions): Promise<any> {
        const message = { type: 'items', action, collection: this.collection, ...rest };
        return (await this.#send(message, options))['data'];
    }

    /** One item. */
    read(key: Key, query?: Query, options?: RequestOptions): Promise<T>;
    /** Some items by their keys; those that are not there are left out. */
    read(keys: readonly Key[], query?: Query, options?: RequestOptions): Promise<T[]>;
    /** The items that a query finds; `Result` is for a singleton. */
    read<Result = T[]>(query?: Query, options?: RequestOptions): Promise<Result>;
    read(what: Key | readonly Key[] | Query = {}, second?: object, third?: RequestOptions): Promise<unknown> {
        if (isKey(what)) {
            return this.#ask('read', { id: keyText(what), query: second }, third);
        }
        if (Array.isArray(what)) {
            // To the server, no keys are all of them.
            const none = what.length === 0;
            return none
                ? Promise.resolve([])
                : this.#ask('read', { ids: what.map(keyText), query: second }, third);
        }
        return this.#ask('read', { query: what }, second);
    }

    /** Makes an item, and returns it as it is then. */
    create(item: Partial<T>, query?: Query, options?: RequestOptions): Promise<T>;
    create(items: readonly Partial<T>[], query?: Query, options?: RequestOptions): Promise<T[]>;
    create(data: unknown, query?: Query, options?: RequestOptions): Promise<any> {
        return this.#ask('create', { data, query }, options);
    }

    /** Changes an item. */
    update(key: Key, changes: Partial<T>, options?: RequestOptions): Promise<T>;
    /** Changes some items alike. */
    update(keys: readonly Key[], changes: Partial<T>, options?: RequestOptions): Promise<T[]>;
    update(what: Key | readonly Key[], changes: Partial<T>, options?: RequestOptions): Promise<any> {
        if (isKey(what)) {
            return this.#ask('update', { id: keyText(what), data: changes }, options);
        }
        if (what.length === 0) {
            return Promise.resolve([]);
        }
        return this.#ask('update', { ids: what.map(keyText), data: changes }, options);
    }

    /** Changes a singleton's item. */
    updateSingleton(changes: Partial<T>, options?: RequestOptions): Promise<T> {
        return this.#ask('update', { data: changes }, options);
    }

    /** Deletes an item, or some. */
    async delete(what: Key | readonly Key[], options?: RequestOptions): Promise<void> {
        if (isKey(what)) {
            await this.#ask('delete', { id: keyText(what) }, options);
        } else if (what.length > 0) {
            await this.#ask('delete', { ids: what.map(keyText) }, options);
        }
    }
}
