/** The posts as they are now: every event of the subscription, folded by key. */
export class Posts {
    #posts = new Map();

    /** Whether there was a snapshot yet. */
    known = false;

    apply({ type, data }) {
        if (type === 'init') {
            // Replaces what was known: after a gap it may be out of date.
            this.#posts = new Map(data.map((post) => [post.id, post]));
            this.known = true;
        } else if (type === 'delete') {
            this.#posts.delete(data.id);
        } else {
            this.#posts.set(data.id, data);
        }
    }

    /** The newest first. */
    list() {
        return [...this.#posts.values()].sort((a, b) => b.id - a.id);
    }
}
