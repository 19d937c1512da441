evidenced_unit_test(message mustache templates words mime ics)

# Subjects and items, over models made by hand.
evidenced_unit_test(message compose)
target_sources(test-compose PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
target_include_directories(test-compose PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
