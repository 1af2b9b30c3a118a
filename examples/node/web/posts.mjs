/** The current posts: the events of the subscription, folded by key. */
export class Posts {
    #posts = new Map();

    /** Whether a snapshot has arrived. */
    known = false;

    apply({ type, data }) {
        if (type === 'init') {
            // Replaces the old posts, which may be out of date after a gap.
            this.#posts = new Map(data.map((post) => [post.id, post]));
            this.known = true;
        } else if (type === 'delete') {
            this.#posts.delete(data.id);
        } else {
            this.#posts.set(data.id, data);
        }
    }

    /** Newest first. */
    list() {
        return [...this.#posts.values()].sort((a, b) => b.id - a.id);
    }
}
