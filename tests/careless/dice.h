/* Numbers from a seed: each thread has a sequence of its own. */
#ifndef DICE_H
#define DICE_H

#include <stddef.h>
#include <stdint.h>

static _Thread_local uint64_t dice_state;

static inline void dice_seed(uint64_t seed) { dice_state = seed; }

/* SplitMix64. */
static inline uint64_t dice_next(void) {
    uint64_t z = dice_state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Below `sides`. */
static inline uint32_t dice(uint32_t sides) { return (uint32_t)(dice_next() % sides); }

static inline int one_in(uint32_t sides) { return dice(sides) == 0; }

#define ANY_OF(array) ((array)[dice((uint32_t)(sizeof(array) / sizeof((array)[0])))])

#endif
