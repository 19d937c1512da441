evidenced_unit_test(core calendar deadline policy recurrence)
evidenced_unit_test(core pattern requirement)
