vic_test(compile_test
  SOURCES compile_alias_test.cc compile_explain_test.cc compile_hash_test.cc compile_service_test.cc compile_slots_test.cc
  DEPS vic_model_rows)
