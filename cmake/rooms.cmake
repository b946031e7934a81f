# One static library a room. A room sees its own headers, those of the rooms it names under
# NEEDS, and no others: a forbidden include does not compile, because every room's public
# headers stand in an include tree of their own.
#
#   brinco_room(link NEEDS redis base PRIVATE PkgConfig::INIH)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(LIBEVENT REQUIRED IMPORTED_TARGET libevent_core)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(MAXMINDDB REQUIRED IMPORTED_TARGET libmaxminddb)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(PNG REQUIRED IMPORTED_TARGET libpng)
pkg_check_modules(QRENCODE REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# What every object of ours is compiled with.
add_library(brinco_flags INTERFACE)
target_compile_definitions(brinco_flags INTERFACE _GNU_SOURCE)
target_compile_options(brinco_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla)
if(BRINCO_WERROR)
    target_compile_options(brinco_flags INTERFACE -Werror)
endif()
if(BRINCO_SANITIZE)
    target_compile_options(brinco_flags INTERFACE
        -fsanitize=${BRINCO_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(brinco_flags INTERFACE -fsanitize=${BRINCO_SANITIZE})
endif()
if(BRINCO_FUZZ)
    target_compile_options(brinco_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_libraries(brinco_flags INTERFACE Threads::Threads)

# include/<room> is reached through <build>/rooms/<room>/<room>, a link, so that the include
# path of a room holds that room alone.
function(brinco_room room)
    cmake_parse_arguments(ROOM "" "" "NEEDS;PRIVATE" ${ARGN})
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${room}/*.c)
    set(tree ${CMAKE_BINARY_DIR}/rooms/${room})
    file(MAKE_DIRECTORY ${tree})
    if(NOT EXISTS ${tree}/${room})
        file(CREATE_LINK ${CMAKE_SOURCE_DIR}/include/${room} ${tree}/${room} SYMBOLIC)
    endif()
    if(NOT sources)
        add_library(brinco_${room} INTERFACE)
        target_include_directories(brinco_${room} INTERFACE ${tree})
        return()
    endif()
    add_library(brinco_${room} STATIC ${sources})
    target_include_directories(brinco_${room}
        PUBLIC ${tree}
        PRIVATE ${CMAKE_SOURCE_DIR}/src/${room})
    target_link_libraries(brinco_${room} PRIVATE brinco_flags ${ROOM_PRIVATE})
    foreach(needed ${ROOM_NEEDS})
        target_link_libraries(brinco_${room} PRIVATE brinco_${needed})
    endforeach()
endfunction()

# A text that is part of the program: the file is the string <variable> of "<variable>.h" in tree.
function(brinco_embed file variable tree)
    file(READ ${file} text)
    string(REPLACE "\\" "\\\\" text "${text}")
    string(REPLACE "\"" "\\\"" text "${text}")
    string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
    set(header "static const char ${variable}[] =\n    \"${text}\";\n")
    set(before "")
    if(EXISTS ${tree}/${variable}.h)
        file(READ ${tree}/${variable}.h before)
    endif()
    if(NOT before STREQUAL header)
        file(WRITE ${tree}/${variable}.h "${header}")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endfunction()

# What Redis runs: src/<room>/<name>.lua is the string <name>_lua of "<name>_lua.h", which is seen
# by that room alone.
function(brinco_scripts room)
    file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${room}/*.lua)
    set(tree ${CMAKE_BINARY_DIR}/scripts/${room})
    foreach(script ${scripts})
        get_filename_component(name ${script} NAME_WE)
        brinco_embed(${script} ${name}_lua ${tree})
    endforeach()
    target_include_directories(brinco_${room} PRIVATE ${tree})
endfunction()

# What people read: src/<room>/pages/<name>.html is <name>_html of "<name>_html.h", and the style
# sheet <name>_css of "<name>_css.h".
function(brinco_pages room)
    file(GLOB pages CONFIGURE_DEPENDS
        ${CMAKE_SOURCE_DIR}/src/${room}/pages/*.html ${CMAKE_SOURCE_DIR}/src/${room}/pages/*.css)
    set(tree ${CMAKE_BINARY_DIR}/pages/${room})
    foreach(page ${pages})
        get_filename_component(name ${page} NAME)
        string(REPLACE "." "_" variable ${name})
        brinco_embed(${page} ${variable} ${tree})
    endforeach()
    target_include_directories(brinco_${room} PRIVATE ${tree})
endfunction()
