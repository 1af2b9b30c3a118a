/* The handles that the threads share: fresh, stale, closed, of another kind or made up. */
#ifndef HANDLES_H
#define HANDLES_H

#include "registrations.h"

enum { CLIENTS = 6, SHELF = 24 };

enum kind { CLIENT, SCOPE, SUBSCRIPTION, LIVE, KINDS };

struct handle {
    void *handle;
    /* Its registration, where registrations are kept. */
    struct registration *registration;
};

static struct handle shelves[KINDS][SHELF];
static pthread_mutex_t shelves_lock = PTHREAD_MUTEX_INITIALIZER;

/* Puts a handle in the place of another one, which is returned. Few places mean many calls that
   meet; the handle that leaves is lost, as careless programs lose them. */
static inline struct handle put_handle(enum kind kind, void *handle, struct registration *of) {
    pthread_mutex_lock(&shelves_lock);
    struct handle *place = &shelves[kind][dice(kind == CLIENT ? CLIENTS : SHELF)];
    struct handle before = *place;
    *place = (struct handle){handle, registrations_are_freed ? NULL : of};
    pthread_mutex_unlock(&shelves_lock);
    return before;
}

/* A handle that mostly is, or was, one of that kind. */
static inline struct handle any_handle(enum kind kind) {
    switch (dice(40)) {
    case 0:
        return (struct handle){NULL, NULL};
    case 1:
        return (struct handle){(void *)(uintptr_t)dice_next(), NULL};
    case 2:
        kind = (enum kind)dice(KINDS);
        break;
    default:
        break;
    }
    pthread_mutex_lock(&shelves_lock);
    struct handle found = shelves[kind][dice(kind == CLIENT ? CLIENTS : SHELF)];
    pthread_mutex_unlock(&shelves_lock);
    return found;
}

#endif
