evidenced_unit_test(ipc frame peer worker)

# A worker that does what its messages say: what peer and worker are tried against.
add_executable(test-ipc-worker ipc/test-ipc-worker.c)
target_link_libraries(test-ipc-worker PRIVATE evidenced-lib)
foreach(module peer worker)
        target_compile_definitions(test-${module} PRIVATE TEST_WORKER="$<TARGET_FILE:test-ipc-worker>")
        add_dependencies(test-${module} test-ipc-worker)
endforeach()
