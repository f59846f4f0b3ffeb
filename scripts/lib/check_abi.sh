#!/usr/bin/env bash
# abi.h alone: valid C11 and C++20, every pad byte named, no bool, no bit-field, no feature #if.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

cd "$VIC_ROOT"
abi=include/vicinity/abi.h # includes the others
headers=("$abi" include/vicinity/abi_ejections.h include/vicinity/abi_sockets.h
  include/vicinity/abi_trace.h include/vicinity/abi_watch.h)
[[ -f $abi ]] || die "$abi is missing"
flags=(-fsyntax-only -Wall -Wextra -Wpadded -Werror -Iinclude)
clang-19 -x c -std=c11 "${flags[@]}" "$abi"
clang++-19 -x c++ -std=c++20 "${flags[@]}" "$abi"
status=0
if grep -nE '^\s*(bool|_Bool)\b|^\s*__u(8|16|32|64)\s+\w+\s*:\s*[0-9]+;' "${headers[@]}"; then
  echo "$abi: no bool and no bit-field" >&2
  status=1
fi
if grep -nE '^\s*#\s*(if|ifdef|elif)\b' "${headers[@]}" | grep -v '__cplusplus'; then
  echo "$abi: the layout depends on no #if" >&2
  status=1
fi
exit "$status"
