// The header in two files of a program, and in a library that hides its symbols.
#include <directus_realtime.hpp>

#include "../check.hpp"

// In other.cpp.
std::error_code timeout_of_the_other_unit();

// In library.cpp.
std::error_code timeout_of_the_library();
void throw_in_the_library();
bool end_in_the_library(drt::client &client);

int main() {
    CHECK(timeout_of_the_other_unit() == drt::status::timeout);
    CHECK(timeout_of_the_library() == drt::status::timeout);
    CHECK(timeout_of_the_library() == std::errc::timed_out);
    CHECK_THROWS(drt::status::timeout, throw_in_the_library());

    // The state of a thread is shared: the library notices that a callback of this client runs.
    drt::client_options options;
    options.url = "http://127.0.0.1:1";
    options.access_token = "x";
    options.delivery = drt::delivery::poll;
    drt::client client(options);
    int calls = 0;
    client.on_state([&](drt::state, drt::status, std::string_view) {
        calls++;
        CHECK(end_in_the_library(client));
    });
    client.connect();
    CHECK(client.dispatch(std::chrono::seconds(10)) >= 1);
    CHECK(calls == 1 && !client);
}
