// What the command line of bench_connect asks for.
#pragma once

#include <string>

#include "bench/shape.h"

namespace vicinity::bench {

struct Options {
  Shape shape;              // of every row that has no shape of its own
  Shape small = {100, 50};  // of the row that shows what fewer services save
  unsigned rounds = 5;
  unsigned connects = 3000;  // per row and round, twice
  unsigned fills = 5;        // how often our tables are filled
  std::string only;          // rows whose name contains this, and the empty programs
  std::string json_file;
};

}  // namespace vicinity::bench
