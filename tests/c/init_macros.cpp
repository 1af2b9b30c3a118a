// The header and its macros in C++: see init_macros.c.
#include "init_macros.c"
