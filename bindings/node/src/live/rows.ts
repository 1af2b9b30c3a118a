/** The rows of a live collection, in order. */

/** Inserting moves no more rows than this. */
const MOST = 1024;

export class Rows<T> {
    /** None of them is empty. */
    readonly #chunks: T[][] = [];
    #length = 0;
    /** All rows, until they change. */
    #all: readonly T[] | undefined = Object.freeze([]);

    get length(): number {
        return this.#length;
    }

    /** All rows: the same array until they change, and another one afterwards. */
    all(): readonly T[] {
        this.#all ??= Object.freeze(([] as T[]).concat(...this.#chunks));
        return this.#all;
    }

    insert(at: number, row: T): void {
        this.#all = undefined;
        const [number, place] = at >= this.#length ? this.#end() : this.#find(at);
        const chunk = (this.#chunks[number] ??= []);
        chunk.splice(place, 0, row);
        this.#length++;
        if (chunk.length > MOST) {
            this.#chunks.splice(number + 1, 0, chunk.splice(MOST / 2));
        }
    }

    remove(at: number): T {
        this.#all = undefined;
        const [number, place] = this.#find(at);
        const chunk = this.#chunks[number]!;
        const [row] = chunk.splice(place, 1);
        this.#length--;
        if (chunk.length === 0) {
            this.#chunks.splice(number, 1);
        }
        return row!;
    }

    /** The chunk with the row at an index, and the row's place in it. */
    #find(at: number): [number: number, place: number] {
        let number = 0;
        let place = at;
        while (place >= this.#chunks[number]!.length) {
            place -= this.#chunks[number++]!.length;
        }
        return [number, place];
    }

    /** Where a row is appended. */
    #end(): [number: number, place: number] {
        const last = Math.max(0, this.#chunks.length - 1);
        return [last, this.#chunks[last]?.length ?? 0];
    }
}
