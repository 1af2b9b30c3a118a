// Shared by the C++ programs that use a real server. Arguments: its URL, a token.
#ifndef SERVER_HPP
#define SERVER_HPP

#include <directus_realtime.hpp>

#include <string>

#include "check.hpp"

namespace server {
inline std::string url, token;
}

inline void take_arguments(int argc, char **argv) {
    CHECK(argc == 3);
    server::url = argv[1];
    server::token = argv[2];
}

inline drt::client_options options(drt::delivery delivery = drt::delivery::thread) {
    drt::client_options values;
    values.url = server::url;
    values.access_token = server::token;
    values.delivery = delivery;
    return values;
}

inline drt::subscription_options posts(const std::string &title) {
    drt::subscription_options values;
    values.collection = "posts";
    values.query = R"({"filter":{"title":{"_eq":")" + title + R"("}}})";
    return values;
}

inline std::string creation(const std::string &title) {
    return R"({"type":"items","action":"create","collection":"posts","data":{"title":")" + title +
           R"("}})";
}

#endif
