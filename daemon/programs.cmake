# The programs and what only they link: the engine (control loop) and the app around it.
vic_library(vic_engine
  SOURCES adoption.cc engine.cc report.cc
  DEPS vic_base vic_model vic_feed vic_compile vic_telemetry vic_admin)
target_compile_definitions(vic_engine PRIVATE VICINITY_VERSION="${PROJECT_VERSION}")
