evidenced_unit_test(scan agenda inspect mounts scanner settle stepwise)
target_sources(test-inspect PRIVATE scan/samples.c)

# The program itself, on a socket pair.
target_sources(test-scanner PRIVATE scan/scan-driver.c)
target_compile_definitions(test-scanner PRIVATE SCANNER="$<TARGET_FILE:evidenced-scan>")
add_dependencies(test-scanner evidenced-scan)
