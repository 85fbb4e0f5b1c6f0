# What the library is linked with: ZANNI_NEEDS, empty where something is missing. Read by the build, which sets
# ZANNI_NEED to REQUIRED, and by the installed package, for users of the static library. ZANNI_MSGPACK_MODULE_NAME is
# what pkg-config calls msgpack's C library here: older releases say msgpack, newer ones msgpack-c.

# FindPkgConfig counts "-isystem FOLDER" among the include folders in a first run and among the options in later ones,
# where its results come from the cache; then everything would be compiled twice. This makes both the same.
function (zanni_settle_includes target)
    get_target_property (options ${target} INTERFACE_COMPILE_OPTIONS)
    get_target_property (folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    set (left)
    while (options)
        list (POP_FRONT options option)
        if (option STREQUAL "-isystem")
            list (POP_FRONT options folder)
            list (APPEND folders ${folder})
        else ()
            list (APPEND left ${option})
        endif ()
    endwhile ()
    list (FILTER folders EXCLUDE REGEX "NOTFOUND$")
    set_target_properties (${target} PROPERTIES
        INTERFACE_COMPILE_OPTIONS "${left}" INTERFACE_INCLUDE_DIRECTORIES "${folders}")
endfunction ()

set (ZANNI_NEEDS)
find_package (Threads ${ZANNI_NEED})
find_package (PkgConfig ${ZANNI_NEED})
if (PkgConfig_FOUND)
    pkg_check_modules (ZANNI_ZMQ ${ZANNI_NEED} IMPORTED_TARGET libzmq)
    pkg_check_modules (ZANNI_CZMQ ${ZANNI_NEED} IMPORTED_TARGET libczmq)
    pkg_check_modules (ZANNI_SODIUM ${ZANNI_NEED} IMPORTED_TARGET libsodium)
    pkg_search_module (ZANNI_MSGPACK ${ZANNI_NEED} IMPORTED_TARGET msgpack-c msgpackc msgpack)
endif ()
if (Threads_FOUND AND ZANNI_ZMQ_FOUND AND ZANNI_CZMQ_FOUND AND ZANNI_SODIUM_FOUND
        AND ZANNI_MSGPACK_FOUND)
    set (ZANNI_NEEDS PkgConfig::ZANNI_CZMQ PkgConfig::ZANNI_ZMQ PkgConfig::ZANNI_MSGPACK PkgConfig::ZANNI_SODIUM
        Threads::Threads)
    foreach (target PkgConfig::ZANNI_CZMQ PkgConfig::ZANNI_ZMQ PkgConfig::ZANNI_MSGPACK PkgConfig::ZANNI_SODIUM)
        zanni_settle_includes (${target})
    endforeach ()
endif ()
