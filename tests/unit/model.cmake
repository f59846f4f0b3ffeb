# Rows of the model as text, for every test of the pure stages.
add_library(vic_model_rows STATIC ${CMAKE_CURRENT_SOURCE_DIR}/model_rows.cc)
target_include_directories(vic_model_rows PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(vic_model_rows PUBLIC vic_compile PRIVATE vic_warnings)

vic_test(model_test
  SOURCES model_context_test.cc model_json_test.cc model_snapshot_test.cc model_symbols_test.cc
          model_values_test.cc
  DEPS vic_model_rows)
# Replaces operator new, so it stays a binary of its own.
vic_test(model_size_test
  SOURCES model_size_test.cc
  DEPS vic_model_rows
  TIMEOUT 300)
