evidenced_unit_test(config address lexical findings config-bad config-load config-model)
