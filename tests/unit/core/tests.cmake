evidenced_unit_test(core calendar deadline ladder policy recurrence)
evidenced_unit_test(core pattern requirement)
