// What the command line of bench_connect asks for.
#pragma once

#include <string>

#include "bench/shape.h"

namespace vicinity::bench {

struct Options {
  Shape shape;                     // of every row that has no shape of its own
  Shape small = {100, 50};         // of the algorithms
  Shape large = {10000, 50};       // of the row with the most services
  uint32_t most_endpoints = 5000;  // of one service
  unsigned rounds = 7;
  unsigned connects = 3000;  // per row and round, twice
  unsigned fills = 3;        // how often our tables are filled
  std::string only;          // rows whose name contains this, and the empty programs
  std::string json_file;
  // A BPF object that somebody else made, and the program that fills its maps.
  std::string object_file;
  std::string fill_program;
};

}  // namespace vicinity::bench
