#!/usr/bin/env bash
# tidy changed|all: clang-tidy over the files that differ from the merge base with main (on main:
# from the commit before), by Debian's; or over everything, by a newer and faster one. A file whose
# every input is as it was when it last passed is not tidied again (build/tidy-cache holds one empty
# file per pass).
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source=scripts/lib/tools.sh
source "$VIC_LIB/tools.sh"

build=$VIC_ROOT/build/dev
cache=$VIC_ROOT/build/tidy-cache
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$VIC_ROOT"

# Lines `SOURCE DEPENDENCY`, both relative to the top, for every compiled source of ours: of the
# files that ninja has on record for an object, the one .cc is its source (headers come first where
# there is a precompiled one). Generated headers count as they are.
list_dependencies() {
  ninja -C "$build" -t deps | awk -v top="$VIC_ROOT/" '
    function finish(    i) {
      if (source ~ /^(daemon|tests)\//) for (i = 0; i < count; i++) print source, paths[i]
      source = ""
      count = 0
    }
    /^[^ ]/ { finish(); next }
    /^ / {
      path = $1
      # A compiler cache may have made paths relative to the build folder.
      if (!sub(/^\.\.\/\.\.\//, "", path) && path !~ /^\//) path = "build/dev/" path
      sub("^" top, "", path)
      if (path ~ /^\//) next
      if (path ~ /\.cc$/) source = path
      paths[count++] = path
    }
    END { finish()
    }' | sort -u
}

changed_files() {
  local base head
  head=$(git rev-parse HEAD)
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || echo "$head")
  if [[ $base == "$head" ]]; then
    base=$(git rev-parse -q --verify HEAD~1 || echo "$head")
  fi
  { git diff --name-only --diff-filter=d "$base" && git ls-files --others --exclude-standard; } | sort -u
}

# The changed sources, and for each changed header one source that includes it: its own if it has one.
select_changed() {
  changed_files >"$work/changed"
  awk '
    FNR == NR { changed[$1] = 1; next }
    ($1 in changed) { print $1 }
    ($2 in changed) && $2 ~ /\.h$/ {
      own = $1; sub(/\.cc$/, "", own)
      stem = $2; sub(/\.h$/, "", stem)
      if (!($2 in via) || own == stem) via[$2] = $1
    }
    END { for (header in via) print via[header] }' "$work/changed" "$work/dependencies" | sort -u
}

# Lines `SOURCE KEY`: the key covers the file, all that it includes of ours, and the rules.
list_keys() {
  local rules
  rules=$({ "$tidy" --version && cat .clang-tidy tests/.clang-tidy CMakePresets.json cmake/*.cmake; } | sha256sum)
  cut -d' ' -f2 "$work/dependencies" | sort -u | xargs -r sha256sum >"$work/sums"
  mkdir "$work/keys"
  awk -v out="$work/keys/" -v rules="$rules" '
    FNR == NR { sum[$2] = $1; next }
    { name = $1; gsub("/", "%", name)
      if ((out name) != file) { if (file != "") close(file); file = out name; print rules >file }
      print $2, sum[$2] >file }' "$work/sums" "$work/dependencies"
  (cd "$work/keys" && find . -type f -print0 | xargs -0 -r sha256sum) |
    awk '{ sub(/^\.\//, "", $2); gsub("%", "/", $2); print $2, $1 }'
}

tidy_one() {
  local key=$1 file=$2
  if "$tidy" --quiet -p "$work" "$file" >"$work/$key.out" 2>"$work/$key.err"; then
    touch "$cache/$key"
    return
  fi
  cat "$work/$key.out" "$work/$key.err"
  return 1
}
export -f tidy_one

# As the compiler is called, but for the precompiled header: another version cannot read it, and all
# that is in it would be looked at once more for each file.
write_commands() {
  sed -E 's/ -Winvalid-pch -Xclang -include-pch -Xclang [^ ]+ -Xclang -include -Xclang [^ ]+//' \
    "$build/compile_commands.json" >"$work/compile_commands.json"
}

case ${1:-all} in
  changed) tidy=clang-tidy-19 ;;
  *) tidy=$(tool clang-tidy) ;;
esac
export cache tidy work

[[ -f $build/build.ninja ]] || "$VIC_LIB/build.sh" dev
mkdir -p "$cache"
list_dependencies >"$work/dependencies"
write_commands
[[ -s $work/dependencies ]] || die "clang-tidy: nothing is built yet, so nothing is known of the sources"
list_keys | sort >"$work/sources"
if [[ ${1:-all} == changed ]]; then
  select_changed | join - "$work/sources" >"$work/selected"
else
  cp "$work/sources" "$work/selected"
fi
while read -r file key; do
  [[ -e $cache/$key ]] || printf '%s\n%s\n' "$key" "$file"
done <"$work/selected" >"$work/todo"
say "clang-tidy: $(($(wc -l <"$work/todo") / 2)) of $(wc -l <"$work/selected") files, the rest unchanged since they passed"
# shellcheck disable=SC2016  # expanded by the inner shell
xargs -r -n 2 -P "$(nproc)" bash -c 'tidy_one "$@"' _ <"$work/todo"
