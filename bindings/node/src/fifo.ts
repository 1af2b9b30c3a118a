/** First in, first out, however many there are: an array's own `shift` moves all the rest. */

const WORTH_MOVING = 1024;

export class Fifo<T> {
    #entries: (T | undefined)[] = [];
    #head = 0;

    push(entry: T): void {
        this.#entries.push(entry);
    }

    shift(): T | undefined {
        const entry = this.#entries[this.#head];
        if (this.#head < this.#entries.length) {
            this.#entries[this.#head++] = undefined;
        }
        if (this.#head > WORTH_MOVING && this.#head * 2 > this.#entries.length) {
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
