# Installation: headers, both libraries, zanni.pc, and the package that find_package (zanni) reads. The shared library
# needs nothing but itself; the targets of the static one stand in a file of their own, which is read where its
# dependencies are there.

include (CMakePackageConfigHelpers)

set (ZANNI_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/zanni)

install (TARGETS zanni EXPORT zanniTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install (TARGETS zanni_static EXPORT zanniStaticTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install (EXPORT zanniTargets NAMESPACE zanni:: DESTINATION ${ZANNI_PACKAGE_DIR})
install (EXPORT zanniStaticTargets NAMESPACE zanni:: DESTINATION ${ZANNI_PACKAGE_DIR})

configure_package_config_file (${PROJECT_SOURCE_DIR}/cmake/zanniConfig.cmake.in
    ${PROJECT_BINARY_DIR}/zanniConfig.cmake INSTALL_DESTINATION ${ZANNI_PACKAGE_DIR})
write_basic_package_version_file (${PROJECT_BINARY_DIR}/zanniConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install (FILES ${PROJECT_BINARY_DIR}/zanniConfig.cmake ${PROJECT_BINARY_DIR}/zanniConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/ZanniDependencies.cmake
    DESTINATION ${ZANNI_PACKAGE_DIR})

# zanni.pc finds its prefix from where it lies itself, so that `cmake --install --prefix` gives a right one, too.
set (root /zanni-prefix)
cmake_path (ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY ${root} OUTPUT_VARIABLE folder)
cmake_path (RELATIVE_PATH root BASE_DIRECTORY ${folder}/pkgconfig OUTPUT_VARIABLE ZANNI_PC_UP)
if (IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
    set (ZANNI_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else ()
    set (ZANNI_PC_PREFIX "\${pcfiledir}/${ZANNI_PC_UP}")
endif ()
foreach (kind LIBDIR INCLUDEDIR)
    if (IS_ABSOLUTE ${CMAKE_INSTALL_${kind}})
        set (ZANNI_PC_${kind} ${CMAKE_INSTALL_${kind}})
    else ()
        set (ZANNI_PC_${kind} "\${prefix}/${CMAKE_INSTALL_${kind}}")
    endif ()
endforeach ()
configure_file (${PROJECT_SOURCE_DIR}/cmake/zanni.pc.in ${PROJECT_BINARY_DIR}/zanni.pc @ONLY)
install (FILES ${PROJECT_BINARY_DIR}/zanni.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
