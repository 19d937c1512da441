evidenced_unit_test(base arena array clock date digest fileio log strbuf strmap text text-parse zone)

# The same instants and civil times, read by an implementation that is not the C library's.
find_package(Python3 3.9 COMPONENTS Interpreter)
add_executable(zone-convert base/zone-convert.c)
target_link_libraries(zone-convert PRIVATE evidenced-lib)
if(Python3_Interpreter_FOUND)
        add_test(NAME unit-base-zone-python COMMAND ${Python3_EXECUTABLE}
                ${CMAKE_CURRENT_SOURCE_DIR}/base/compare-zones.py $<TARGET_FILE:zone-convert>)
        set_tests_properties(unit-base-zone-python PROPERTIES LABELS unit SKIP_RETURN_CODE 77 TIMEOUT 120)
endif()
