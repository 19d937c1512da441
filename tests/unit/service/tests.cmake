evidenced_unit_test(service alarm clock-watch mail-servers)
evidenced_unit_test(service metrics)

# The board, over models made by hand.
evidenced_unit_test(service publish)
target_sources(test-publish PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
target_include_directories(test-publish PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})

# Histories over a real store, of models made by hand.
evidenced_unit_test(service track)
target_sources(test-track PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
target_include_directories(test-track PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
