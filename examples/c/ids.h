/*
 * A set of ids, to know which items were shown already. The highest id is not enough: when
 * several users write at once, the item with the lower id may arrive second.
 */
#ifndef EXAMPLES_IDS_H
#define EXAMPLES_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Initialise with zeros. Free `sorted` at the end. */
struct ids {
    long long *sorted;
    size_t count, capacity;
};

/* Adds an id. Returns false if it was in the set. */
static inline bool ids_add(struct ids *ids, long long id) {
    /* Most ids are the highest so far, so search from the end. */
    size_t low = 0, high = ids->count;
    if (high > 0 && ids->sorted[high - 1] < id) {
        low = high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids->sorted[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < ids->count && ids->sorted[low] == id) {
        return false;
    }
    if (ids->count == ids->capacity) {
        ids->capacity = ids->capacity ? 2 * ids->capacity : 256;
        ids->sorted = realloc(ids->sorted, ids->capacity * sizeof *ids->sorted);
        if (!ids->sorted) {
            perror("ids");
            exit(1);
        }
    }
    memmove(ids->sorted + low + 1, ids->sorted + low, (ids->count - low) * sizeof *ids->sorted);
    ids->sorted[low] = id;
    ids->count++;
    return true;
}

#endif
