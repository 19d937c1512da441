evidenced_unit_test(message mustache templates words mime ics)

# Subjects and items, over models made by hand.
evidenced_unit_test(message compose compose-subject)
foreach(module compose compose-subject)
        target_sources(test-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c
                                              ${CMAKE_CURRENT_SOURCE_DIR}/message/compose-fixture.c)
        target_include_directories(test-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endforeach()
