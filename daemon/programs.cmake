# The programs and what only they link: the engine (control loop) and the app around it.
vic_library(vic_engine
  SOURCES adoption.cc departures.cc engine.cc engine_resync.cc judgement.cc load_watch.cc netns_files.cc
    pod_rules.cc pod_watch.cc
    policies.cc policy_dir.cc readiness_probe.cc report.cc traffic.cc wanted_tables.cc
  DEPS vic_base vic_model vic_policy_book vic_feed vic_feed_dns vic_feed_file vic_compile vic_health
       vic_telemetry vic_admin)
target_compile_definitions(vic_engine PRIVATE VICINITY_VERSION="${PROJECT_VERSION}")

vic_library(vic_app
  SOURCES app.cc event_loop.cc mounts.cc node_addresses.cc privileges.cc
  DEPS vic_engine vic_config vic_dataplane vic_feed_dns vic_feed_file vic_feed_xds vic_ui)
target_compile_definitions(vic_app PRIVATE VICINITY_VERSION="${PROJECT_VERSION}")

vic_program(vicinityd SOURCES main.cc DEPS vic_app)
target_compile_definitions(vicinityd PRIVATE VICINITY_VERSION="${PROJECT_VERSION}")
