evidenced_unit_test(mail credential dialogue inbox lines mailbox outcome)

# The real program against a scripted server.
add_test(NAME unit-mail-sender
        COMMAND ${EVIDENCED_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/test-sender.py
                $<TARGET_FILE:evidenced-mail> ${PROJECT_VERSION})
set_tests_properties(unit-mail-sender PROPERTIES LABELS unit TIMEOUT 180
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
add_test(NAME unit-mail-sender-auth
        COMMAND ${EVIDENCED_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/test-sender-auth.py
                $<TARGET_FILE:evidenced-mail> ${PROJECT_VERSION})
set_tests_properties(unit-mail-sender-auth PROPERTIES LABELS unit TIMEOUT 120
        ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
