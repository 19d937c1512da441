evidenced_unit_test(ctl arguments csv import import-values)
evidenced_unit_test(ctl simulate)
target_sources(test-simulate PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
target_include_directories(test-simulate PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
