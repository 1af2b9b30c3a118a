// Compiled, not run: the types of live collections in Vue.
import { ref, type ComputedRef } from 'vue';
import { expectTypeOf } from 'expect-type';
import { createClient, type LiveCollection, type LiveStatus, type ServerError } from 'directus-realtime';
import { useDirectusLive, useDirectusRealtime, type VueLive } from 'directus-realtime/vue';

interface Post {
    id: string;
    title: string;
}

const collection = 'posts';
const { rows, status, error } = useDirectusLive<Post>({ collection, query: { sort: ['-id'] } });
expectTypeOf(rows).toEqualTypeOf<ComputedRef<readonly Post[]>>();
expectTypeOf(status).toEqualTypeOf<ComputedRef<LiveStatus>>();
expectTypeOf(error).toEqualTypeOf<ComputedRef<ServerError | undefined>>();
// @ts-expect-error: it is read-only
rows.value = [];

const client = createClient('http://localhost:8055');
const limit = ref(10);
expectTypeOf(useDirectusLive<Post>({ collection, query: { limit } }, client)).toEqualTypeOf<VueLive<Post>>();
expectTypeOf(useDirectusLive<Post>(ref({ collection }))).toEqualTypeOf<VueLive<Post>>();
expectTypeOf(useDirectusLive<Post>(() => ({ collection }))).toEqualTypeOf<VueLive<Post>>();
// @ts-expect-error: a collection is required
useDirectusLive({});

const { live } = useDirectusRealtime();
expectTypeOf(live<Post>({ collection })).toEqualTypeOf<LiveCollection<Post>>();
