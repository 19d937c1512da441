evidenced_unit_test(scan inspect)
target_sources(test-inspect PRIVATE scan/samples.c)
