/** A first-in, first-out queue with constant-time `shift`: an array's own moves all remaining entries. */

/** Below this, compacting the array is not worth a copy. */
const COMPACT_FROM = 1024;

export class Queue<T> {
    #entries: (T | undefined)[] = [];
    #head = 0;

    get length(): number {
        return this.#entries.length - this.#head;
    }

    push(entry: T): void {
        this.#entries.push(entry);
    }

    shift(): T | undefined {
        const entry = this.#entries[this.#head];
        if (this.#head < this.#entries.length) {
            this.#entries[this.#head++] = undefined;
        }
        if (this.#head > COMPACT_FROM && this.#head * 2 > this.#entries.length) {
            this.#entries = this.#entries.slice(this.#head);
            this.#head = 0;
        }
        return entry;
    }

    clear(): void {
        this.#entries = [];
        this.#head = 0;
    }
}
