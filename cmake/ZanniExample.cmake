# zanni_example (NAME): builds examples/NAME with the library, where it exists, under the flags of our own targets.
#
# An example's CMakeLists.txt works in the tree and alone. It begins so:
#
#     cmake_minimum_required (VERSION 3.25)
#     project (hello LANGUAGES C)
#     if (NOT TARGET zanni::zanni)
#         find_package (zanni REQUIRED)
#     endif ()
#     add_executable (hello hello.c)
#     target_compile_features (hello PRIVATE c_std_11)
#     target_link_libraries (hello PRIVATE zanni::zanni)
#
# Its program, which may be a script that the build writes, is named as its folder without the number.
# tests/style/examples.py runs it; beside the sources may stand test.args (its arguments, as a shell reads them) and
# must stand test.expect (a regular expression for its last line).

function (zanni_example name)
    set (folder ${PROJECT_SOURCE_DIR}/examples/${name})
    if (NOT EXISTS ${folder}/CMakeLists.txt)
        return ()
    endif ()
    add_subdirectory (${folder} ${PROJECT_BINARY_DIR}/examples/${name})
    zanni_check_folder (${folder})
endfunction ()
