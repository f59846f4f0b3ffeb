# Reads layers.txt, then lines `path:#include <header>`; prints what is not allowed, exits 1 if any.

function is_in(word, words) { return index(" " words " ", " " word " ") > 0 }

# The folder a path below daemon/ (or an internal include) belongs to: its longest known prefix.
function folder_of(path,    dir) {
  dir = path
  while (sub(/\/[^\/]*$/, "", dir)) if (dir in allowed) return dir
  return "top"
}

function folder_of_file(file) {
  if (file ~ /^include\//) return "include"
  if (file ~ /^bpf\//) return "bpf"
  sub(/^daemon\//, "", file)
  return folder_of(file)
}

function class_of_library(header) {
  if (header ~ /^absl\//) return "absl"
  if (header ~ /^fmt\//) return "fmt"
  if (header ~ /^spdlog\//) return "spdlog"
  if (header ~ /^CLI\//) return "cli11"
  if (header == "civetweb.h") return "civetweb"
  if (header ~ /^yaml-cpp\//) return "yaml"
  if (header ~ /^(grpc|grpcpp|grpc\+\+)\//) return "grpc"
  if (header ~ /^google\//) return "protobuf"
  if (header ~ /^openssl\//) return "openssl"
  if (header ~ /^prometheus\//) return "prometheus"
  if (header ~ /^xxh(ash|3)\.h$/) return "xxhash"
  if (header ~ /^ares[a-z_]*\.h$/) return "cares"
  if (header ~ /^bpf\//) return "libbpf"
  return ""
}

function class_of_system(header) {
  if (header ~ /^(linux|asm|asm-generic)\//) return "uapi"
  if (header ~ /^(arpa\/inet|netinet\/in|endian)\.h$/) return "net"
  if (header ~ /^(sys|net|netinet|netdb|unistd|fcntl|poll|sched|signal|pthread|dirent|glob)/) return "io"
  if (header ~ /^(thread|mutex|shared_mutex|atomic|condition_variable|future|stop_token|random|fstream|iostream|filesystem|csignal|cstdio|ctime|semaphore|latch|barrier)$/) return "io"
  if (header ~ /\// || header ~ /\.hpp$/) return "unknown"
  return "std"
}

# What an include names: a folder, or a class of library or system headers.
function target_of(file, header, quoted) {
  if (header ~ /^vicinity\//) return "include"
  if (header ~ /^proto\//) return "proto"
  if (class_of_library(header) != "") return class_of_library(header)
  if (!quoted) return class_of_system(header)
  # daemon/ is the include root: a bare name is one of its own files.
  if (header !~ /\//) return file ~ /^daemon\// ? "top" : folder_of_file(file)
  return folder_of(header)
}

function reject(file, header, why) {
  printf "%s: may not include %s: %s\n", file, header, why
  bad = 1
}

function count_users(folder, target, file,    stem) {
  if (!((folder, target) in single)) return
  stem = file
  sub(/\.[a-z]+$/, "", stem)
  if (!((folder, target) in user)) user[folder, target] = stem
  if (user[folder, target] != stem)
    reject(file, target, "only one file of " folder " may, and " user[folder, target] " does")
}

FNR == NR {
  if ($1 == "one") single[$4, $2] = 1
  else if ($2 == ":") {
    folder = $1
    sub(/^[^:]*:/, "")
    allowed[folder] = $0
  }
  next
}

{
  match($0, /:[ \t]*#/)
  file = substr($0, 1, RSTART - 1)
  rest = substr($0, RSTART + 1)
  match(rest, /[<"][^>"]*[>"]/)
  quoted = substr(rest, RSTART, 1) == "\""
  header = substr(rest, RSTART + 1, RLENGTH - 2)
  folder = folder_of_file(file)
  target = target_of(file, header, quoted)
  count_users(folder, target, file)
  if (target == folder || is_in(target, allowed[folder]) || is_in(header, allowed[folder])) next
  reject(file, header, folder " includes only:" allowed[folder])
}

END { exit bad }
