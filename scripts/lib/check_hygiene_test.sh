#!/usr/bin/env bash
# Rows for check_hygiene: FILE ok|bad TEXT (with \n). Each row is one file in a tree of its own.
set -euo pipefail
lib=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

while read -r file expected text; do
  rm -rf "${tree:?}"/*
  mkdir -p "$tree/$(dirname "$file")"
  printf '%b' "$text" >"$tree/$file"
  verdict=ok
  "$lib/check_hygiene" "$tree" >/dev/null || verdict=bad
  [[ $verdict == "$expected" ]] && continue
  echo "check_hygiene: expected $expected, got $verdict: $file: $text"
  failures=$((failures + 1))
done <<'ROWS'
daemon/base/a.h ok // What it is.\n#pragma once\n#include <vector>\n
daemon/base/a.h ok #pragma once\n\n// What it is.\n\n#include <vector>\n
daemon/base/a.h bad #pragma once\n#include <vector>\n// Too late.\n
daemon/base/a.h bad // What it is.\n#include <vector>\n
bpf/a.h ok #ifndef VIC_A_H_\n#define VIC_A_H_\n#endif\n
daemon/base/a.h bad // What.\n#ifndef VIC_A_H_\n#endif\n
daemon/base/a.cc ok #include "base/a.h"\n
daemon/base/a.cc bad #include <vector>\n#include <vector>\n
daemon/base/a.cc bad #include "../b.h"\n
daemon/base/a.cc bad #include <bits/stl_vector.h>\n
daemon/base/a.cc bad int a = 1;  // TO\x44O: two\n
daemon/base/a.cc bad int a = 1;  // XX\x58: two\n
daemon/base/a.cc ok char name[] = "a-XXXXXX";\n
daemon/base/a.cc bad int a = 1; \n
daemon/base/a.cc bad \tint a = 1;\n
tests/unit/a.cc bad std::this_thread::sleep_for(1s);\n
tests/unit/a.cc bad sleep(1);\n
tests/unit/a.cc ok wait_until(deadline);\n
daemon/base/a.cc ok std::this_thread::sleep_for(1s);\n
daemon/feed/a.cc bad const absl::Time now = absl::Now();\n
daemon/feed/a.cc ok const absl::Time now = absl::Now();  // lint: wall clock\n
daemon/ctl/a.cc ok const absl::Time now = absl::Now();\n
tests/unit/a.cc ok const absl::Time now = absl::Now();\n
daemon/app.cc bad std::system("ip route");\n
daemon/app.cc bad FILE* out = ::popen("ip route", "r");\n
daemon/app.cc bad   execve(path, argv, envp);\n
daemon/app.cc bad const int error = posix_spawn(&child, path);\n
daemon/app.cc ok // What execve() of a program gives it.\n
daemon/app.cc ok info.set_file_system(name); clock.system(); recall(1);\n
tests/unit/a.cc ok std::system("openssl");\n
ROWS
long=$tree/daemon/base/long.cc
mkdir -p "$(dirname "$long")"
seq 501 | sed 's/.*/;/' >"$long"
if "$lib/check_hygiene" "$tree" >/dev/null; then
  echo "check_hygiene: accepts a file of 501 lines"
  failures=$((failures + 1))
fi
[[ $failures -eq 0 ]]
