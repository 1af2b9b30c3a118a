/* The user data of the registrations, each of which is released exactly once.
 *
 * Kept, they show a second release, and a callback that comes after the release or after the end of
 * its subscription. Freed, a late callback is a use after free, which valgrind or a sanitizer
 * shows. */
#ifndef REGISTRATIONS_H
#define REGISTRATIONS_H

#include "../c/check.h"
#include "dice.h"

#include <pthread.h>

struct registration {
    struct registration *next;
    /* The client that it belongs to; NULL for that of a log. */
    const void *client;
    uint64_t dice;
    /* The registering call has returned. */
    _Atomic bool made;
    /* The call that ended it has returned. */
    _Atomic bool ended;
    _Atomic int released;
};

static bool registrations_are_freed;
static struct registration *registrations;
static pthread_mutex_t registrations_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic long registrations_made, registrations_released, callbacks_run;

static inline struct registration *registration_new(const void *client) {
    struct registration *new = calloc(1, sizeof(*new));
    if (new == NULL) {
        abort();
    }
    new->client = client;
    new->dice = dice_next();
    atomic_fetch_add(&registrations_made, 1);
    if (!registrations_are_freed) {
        pthread_mutex_lock(&registrations_lock);
        new->next = registrations;
        registrations = new;
        pthread_mutex_unlock(&registrations_lock);
    }
    return new;
}

/* A drt_release_fn. */
static inline void registration_release(void *user_data) {
    struct registration *this = user_data;
    CHECK(atomic_fetch_add(&this->released, 1) == 0);
    atomic_fetch_add(&registrations_released, 1);
    if (registrations_are_freed) {
        free(this);
    }
}

/* A callback begins; in it the dice are the registration's. Returns those of the thread. */
static inline uint64_t registration_enter(void *user_data) {
    struct registration *this = user_data;
    const uint64_t outside = dice_state;
    CHECK(atomic_load(&this->released) == 0);
    CHECK(!atomic_load(&this->ended));
    atomic_fetch_add(&callbacks_run, 1);
    dice_seed(this->dice + (uint64_t)atomic_load(&callbacks_run));
    return outside;
}

/* Calls `each` with those that are kept. */
static inline void registrations_each(const void *client, void (*each)(struct registration *)) {
    pthread_mutex_lock(&registrations_lock);
    for (struct registration *at = registrations; at != NULL; at = at->next) {
        if (at->client == client) {
            each(at);
        }
    }
    pthread_mutex_unlock(&registrations_lock);
}

#endif
