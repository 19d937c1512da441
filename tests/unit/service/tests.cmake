evidenced_unit_test(service alarm clock-watch mail-servers)
evidenced_unit_test(service metrics)

# The board, over models made by hand.
evidenced_unit_test(service publish)
target_sources(test-publish PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
target_include_directories(test-publish PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
