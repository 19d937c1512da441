evidenced_unit_test(core calendar deadline ladder policy recurrence)
evidenced_unit_test(core pattern requirement)

# Deciding, over models made by hand.
evidenced_unit_test(core instance notice planner report score virtual-time)
foreach(module instance notice planner report score virtual-time)
        target_sources(test-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/model-builder.c)
        target_include_directories(test-${module} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
endforeach()
target_sources(test-virtual-time PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/made-up-world.c)
