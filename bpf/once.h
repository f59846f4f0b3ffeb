/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What keeps the object quick to load. The verifier follows every path through a program, and into
 * an inlined or static function once for each path that leads there; a global function it verifies
 * once, for any arguments, and then believes. So:
 *
 *   - the path of a plain random choice is inlined into one global function per family (flow.h);
 *   - whatever only some connects need is a global function: VIC_VERIFIED_ONCE, by convention the
 *     small wrapper `vic_x4`, `vic_x6` of an inlined `vic_x(..., family)`;
 *   - its arguments are the hook's ctx, numbers, and pointers to structs of fixed size, which it
 *     compares with 0 before use; it returns a number. Nothing else passes (6.1 to 6.18), and all
 *     bytes of such a struct must have been written: 6.1 refuses to read the others. Nor does 6.1
 *     take such a pointer for a map's key or value: copy what it leads to to the stack first;
 *   - a loop's body that branches is a function of its own too: otherwise its paths multiply.
 *
 * A hook's calls have 512 bytes of stack together, each frame rounded up to 32 (6.1), and are at
 * most eight deep. The test of the budget is tests/kernel/budget_test.cc.
 */
#ifndef VICINITY_ONCE_H_
#define VICINITY_ONCE_H_

/* What algorithms.h and source_hash.h have of them is compiled natively too. */
#ifdef __bpf__
#define VIC_VERIFIED_ONCE __attribute__((noinline))
#else
#define VIC_VERIFIED_ONCE static inline
#endif

#endif /* VICINITY_ONCE_H_ */
