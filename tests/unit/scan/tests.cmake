evidenced_unit_test(scan agenda inspect mounts scan-limits scanner settle stepwise)
target_sources(test-inspect PRIVATE scan/samples.c)

# The program itself, on a socket pair.
foreach(module scanner scan-limits)
        target_sources(test-${module} PRIVATE scan/scan-driver.c)
        target_compile_definitions(test-${module} PRIVATE SCANNER="$<TARGET_FILE:evidenced-scan>")
        add_dependencies(test-${module} evidenced-scan)
endforeach()

add_test(NAME unit-scan-churn
        COMMAND ${EVIDENCED_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/scan/churn.py $<TARGET_FILE:evidenced-scan>)
set_tests_properties(unit-scan-churn PROPERTIES LABELS unit TIMEOUT 180)
