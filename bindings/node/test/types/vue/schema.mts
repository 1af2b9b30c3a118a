// Compiled, not run: the types that follow from the schema of an application, in Vue.
import { expectTypeOf } from 'expect-type';
import { createClient, type Subscription } from 'directus-realtime';
import { useDirectusRealtime } from 'directus-realtime/vue';

interface Post {
    id: number;
    title: string;
}

interface Schema {
    posts: Post[];
    settings: { title: string };
}

const client = createClient<Schema>('http://localhost:8055');
const composable = useDirectusRealtime(client);
expectTypeOf(composable.subscribe({ collection: 'posts' })).toEqualTypeOf<Subscription<Post, Post[]>>();
expectTypeOf(composable.live({ collection: 'posts' }).rows).toEqualTypeOf<readonly Post[]>();
const { subscribe } = useDirectusRealtime<Schema>();
expectTypeOf(subscribe({ collection: 'settings' })).toEqualTypeOf<
    Subscription<Schema['settings'], Schema['settings']>
>();
// @ts-expect-error: there is no such collection
subscribe({ collection: 'post' });
