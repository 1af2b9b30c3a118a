#include <directus_realtime.hpp>

std::error_code of_the_other_unit();

std::error_code of_the_other_unit() { return drt::status::timeout; }
