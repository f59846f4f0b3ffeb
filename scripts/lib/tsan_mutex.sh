#!/usr/bin/env bash
# tsan_mutex.sh: builds abseil's synchronization library, of the version that is installed, so that
# it tells TSan of its mutexes (Debian's does not): build/tsan/mutex, for LD_LIBRARY_PATH. Its own
# memory accesses stay out of sight: it is not what is tested.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

folder=$VIC_ROOT/build/tsan/mutex
package=$(dpkg-query -W -f '${Version}' libabsl-dev)
version=${package%-*}
library=libabsl_synchronization.so.${version%.*}
[[ -f $folder/$library && $(cat "$folder/version") == "$package" ]] && exit 0

mkdir -p "$folder"
cd "$folder"
binary=$(apt-get download --print-uris libabsl-dev | cut -d "'" -f 2)
/usr/lib/apt/apt-helper download-file "${binary%/*}/abseil_$version.orig.tar.gz" source.tar.gz
tar --extract --gzip --strip-components 1 --file source.tar.gz --wildcards "*/absl/*"
unseen=()
for what in memory-accesses atomics memintrinsics; do
  unseen+=(-mllvm "-tsan-instrument-$what=0")
done
clang++-19 -std=c++17 -O1 -g1 -w -fno-omit-frame-pointer -fsanitize=thread "${unseen[@]}" -fPIC \
  -shared "-Wl,-soname,$library" -o "$library" \
  absl/synchronization/{barrier,blocking_counter,mutex,notification}.cc \
  absl/synchronization/internal/{create_thread_identity,per_thread_sem,waiter}.cc
rm -rf source.tar.gz absl
printf '%s\n' "$package" >version
say "$folder/$library"
