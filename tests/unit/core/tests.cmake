evidenced_unit_test(core pattern requirement)
