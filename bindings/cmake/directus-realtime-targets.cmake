# Targets for a header and a library that are there: for the installed ones, and for those
# that CMakeLists.txt builds. Wants directus-realtime_INCLUDE_DIR, ..._SHARED_LIBRARY and
# ..._STATIC_LIBRARY; one of the libraries may be missing.

include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)

if(directus-realtime_SHARED_LIBRARY AND NOT TARGET directus-realtime::shared)
  add_library(directus-realtime::shared SHARED IMPORTED GLOBAL)
  set_target_properties(
    directus-realtime::shared
    PROPERTIES IMPORTED_LOCATION "${directus-realtime_SHARED_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${directus-realtime_INCLUDE_DIR}")
  if(directus-realtime_SONAME)
    set_target_properties(directus-realtime::shared PROPERTIES IMPORTED_SONAME
                                                               "${directus-realtime_SONAME}")
  endif()
endif()

if(directus-realtime_STATIC_LIBRARY AND NOT TARGET directus-realtime::static)
  add_library(directus-realtime::static STATIC IMPORTED GLOBAL)
  set_target_properties(
    directus-realtime::static
    PROPERTIES IMPORTED_LOCATION "${directus-realtime_STATIC_LIBRARY}"
               INTERFACE_INCLUDE_DIRECTORIES "${directus-realtime_INCLUDE_DIR}")
  # What Rust's standard library wants of the system.
  set(_drt_system Threads::Threads ${CMAKE_DL_LIBS})
  if(UNIX AND NOT APPLE)
    list(APPEND _drt_system m)
  elseif(APPLE)
    list(APPEND _drt_system "-framework Security" "-framework CoreFoundation" iconv)
  endif()
  set_property(TARGET directus-realtime::static PROPERTY INTERFACE_LINK_LIBRARIES
                                                         ${_drt_system})
endif()

if(NOT TARGET directus-realtime::directus-realtime)
  set(_drt_kind shared)
  if(NOT TARGET directus-realtime::shared
     OR (DEFINED BUILD_SHARED_LIBS AND NOT BUILD_SHARED_LIBS AND TARGET directus-realtime::static))
    set(_drt_kind static)
  endif()
  # An interface, not an alias: aliases of imported targets want a newer CMake.
  add_library(directus-realtime::directus-realtime INTERFACE IMPORTED GLOBAL)
  set_property(TARGET directus-realtime::directus-realtime PROPERTY INTERFACE_LINK_LIBRARIES
                                                                    directus-realtime::${_drt_kind})
endif()
