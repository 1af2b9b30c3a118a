/*
 * The header after those of libraries that define common words as macros. The standard
 * headers that it includes come first, as they need not compile after such macros.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "foreign_macros.h"

#include <directus_realtime.h>

/* The header leaves the macros as they were. */
#if !defined(emit) || !defined(Status) || !defined(major) || !defined(min) || !defined(ERROR)
#error "a macro of another library is gone"
#endif

int main(void) {
    drt_client_options client = DRT_CLIENT_OPTIONS_INIT;
    drt_subscription_options subscription = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_stats stats = {.struct_size = sizeof stats};
    printf("%s: %zu, %zu, %zu\n", drt_version(), client.struct_size, subscription.struct_size,
           stats.struct_size);
    return drt_abi_version() == DRT_ABI_VERSION ? 0 : 1;
}
