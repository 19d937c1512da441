evidenced_unit_test(store store store-restore store-instances store-files store-outbox store-ledger store-kill)

# The chain of the ledger, computed again by a program that shares nothing with ours but the description.
target_compile_definitions(test-store-ledger PRIVATE PYTHON="${EVIDENCED_PYTHON}")
