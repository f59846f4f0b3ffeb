vic_test(policy_test
  SOURCES policy_algorithm_test.cc policy_eligibility_test.cc policy_load_spill_test.cc policy_outlier_test.cc policy_peers_test.cc
          policy_spill_test.cc policy_wds_test.cc
  DEPS vic_model_rows vic_feed vic_feed_file)
vic_test(policy_documents_test
  SOURCES
    policy_examples_test.cc
    policy_istio_fields_test.cc
    policy_istio_locality_test.cc
    policy_istio_outlier_test.cc
    policy_istio_plan_test.cc
    policy_istio_rules_test.cc
    policy_labels_test.cc
    policy_load_test.cc
    policy_native_test.cc
  DEPS vic_model_rows vic_policy_book vic_test_support)

vic_test(policy_kuma_test
  SOURCES
    policy_kuma_clients_test.cc
    policy_kuma_examples_test.cc
    policy_kuma_outlier_test.cc
    policy_kuma_parse_test.cc
    policy_kuma_plan_test.cc
    policy_kuma_rules_test.cc
    policy_kuma_scene.cc
  DEPS vic_model_rows vic_policy_book)
