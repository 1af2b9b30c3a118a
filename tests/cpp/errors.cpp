// What drt::error says of each failure. Argument: the URL of a server that refuses every request
// but "silent", and every subscription.
#include <directus_realtime.hpp>

#include <future>
#include <string>
#include <string_view>

#include "check.hpp"

using namespace std::chrono_literals;

namespace {

template <class F> drt::error failure_of(F &&call) {
    try {
        call();
    } catch (const drt::error &caught) {
        return caught;
    }
    fail("it did not throw", __FILE__, __LINE__);
}

bool names(const drt::error &error, std::string_view argument) {
    return error.argument() == argument && error.server_code().empty() &&
           error.server_error().empty();
}

void an_error_names_the_argument() {
    drt::client_options values;
    values.url = "nonsense";
    CHECK(names(failure_of([&] { drt::client client(values); }), "url"));
    values.url = std::string("a\0b", 3);
    // A failure that the header finds itself.
    CHECK(names(failure_of([&] { drt::client client(values); }), "url"));
    CHECK(names(failure_of([] { drt::client().connect(); }), "client"));
    const drt::error closed = failure_of(
        [] { drt::scope().subscribe(drt::subscription_options(), [](const drt::event &) {}); });
    CHECK(closed.status() == drt::status::invalid_handle && names(closed, ""));
    CHECK(drt::error::last().message() == closed.message());
    CHECK(names(drt::error(drt::status::timeout, "too late"), ""));
}

bool is_forbidden(const drt::error &error, std::string_view message) {
    return error.status() == drt::status::server && error.message() == message &&
           error.argument().empty() && error.server_code() == "FORBIDDEN" &&
           error.server_error().find("\"FORBIDDEN\"") != std::string::npos;
}

void an_error_has_the_servers_own(drt::client &client) {
    constexpr auto items = R"({"type":"items","action":"x"})";
    auto refused = client.request(items, 30s);
    const drt::error answer = failure_of([&] { refused.get(); });
    CHECK(is_forbidden(answer, "the server answered with FORBIDDEN: not for you"));

    // Another failure of this header is not taken for the reply's.
    std::promise<drt::error> told;
    client.request(items, 30s, [&](drt::status, std::string_view) {
        told.set_value(failure_of([] { throw drt::error::last(); }));
    });
    CHECK(is_forbidden(told.get_future().get(), answer.message()));

    drt::subscription_options posts;
    posts.collection = "posts";
    auto subscription = client.subscribe(posts, [](const drt::event &) {});
    const drt::error refusal = failure_of([&] { subscription.wait(30s); });
    CHECK(is_forbidden(refusal, "the server refused the subscription: FORBIDDEN: not for you"));
}

void a_future_says_why_there_is_no_answer(drt::client &client) {
    auto late = client.request(R"({"type":"silent"})", 50ms);
    const drt::error timeout = failure_of([&] { late.get(); });
    CHECK(timeout.status() == drt::status::timeout && names(timeout, ""));
    CHECK(timeout.message() == "the server did not answer within 50 ms");
    auto closed = client.request(R"({"type":"silent"})", 30s);
    client.close();
    const drt::error end = failure_of([&] { closed.get(); });
    CHECK(end.message() == "the client was closed before the server answered");
}

} // namespace

int main(int argc, char **argv) {
    CHECK(argc == 2);
    an_error_names_the_argument();
    drt::client_options values;
    values.url = argv[1];
    values.access_token = "token";
    drt::client client(values);
    client.connect();
    client.wait(drt::state::connected, 30s);
    an_error_has_the_servers_own(client);
    a_future_says_why_there_is_no_answer(client);
}
