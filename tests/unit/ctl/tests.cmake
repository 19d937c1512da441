evidenced_unit_test(ctl arguments csv import import-values)
