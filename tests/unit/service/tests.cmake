evidenced_unit_test(service alarm mail-servers)
