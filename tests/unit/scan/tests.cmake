evidenced_unit_test(scan agenda inspect mounts scan-limits scanner settle stepwise)
target_sources(test-inspect PRIVATE scan/samples.c)

# The program itself, on a socket pair.
foreach(module scanner scan-limits)
        target_sources(test-${module} PRIVATE scan/scan-driver.c)
        target_compile_definitions(test-${module} PRIVATE SCANNER="$<TARGET_FILE:evidenced-scan>")
        add_dependencies(test-${module} evidenced-scan)
endforeach()
