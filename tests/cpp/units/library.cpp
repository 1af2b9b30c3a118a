// Compiled with -fvisibility=hidden.
#include <directus_realtime.hpp>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED std::error_code timeout_of_the_library();
EXPORTED void throw_in_the_library();
EXPORTED bool end_in_the_library(drt::client &client);

std::error_code timeout_of_the_library() { return drt::status::timeout; }

void throw_in_the_library() { throw drt::error(drt::status::timeout, "on purpose"); }

bool end_in_the_library(drt::client &client) {
    client = drt::client();
    return !client;
}
