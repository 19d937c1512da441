evidenced_unit_test(service mail-servers)
