evidenced_unit_test(service alarm clock-watch mail-servers)
evidenced_unit_test(service metrics outbox-group)

# The board, over models made by hand.
evidenced_unit_test(service publish)
target_sources(test-publish PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
target_include_directories(test-publish PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})

# Evidence, histories, mail and limits over a real store, of models made by hand.
evidenced_unit_test(service evidence track withdraw)
foreach(module evidence track withdraw)
        target_sources(test-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
        target_include_directories(test-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endforeach()
