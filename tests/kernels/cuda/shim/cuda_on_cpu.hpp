// Enough of CUDA C++ to run a kernel's own source on a CPU: every thread of a block is a fiber, blocks run one after the
// other. A warp runs until all of its threads wait at a barrier of the block, then the next one does, in ascending or
// descending order: as far apart as warps can get, so a missing barrier shows as a wrong result in one of them.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

using std::max;
using std::min;

struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct dim3 { int x, y, z; };
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)

namespace shim {
constexpr int WARP = 32;
constexpr std::size_t STACK = 64 << 10;

struct Fiber {
    ucontext_t context;
    bool done;
    bool at_barrier;  // waits for the whole block
};

struct State {
    int threads = 0, current = 0;
    ucontext_t scheduler;
    std::vector<Fiber> fibers;
    std::vector<char> stacks;
    void (*entry)(void**) = nullptr;
    void** arguments = nullptr;
    std::vector<uint4> dynamic;
};
inline State state;

// What a warp's threads show each other; `arrived` counts who has come to the instruction.
struct Exchange {
    unsigned a[WARP][4], b[WARP][2];
    long long arrived, left;
};
inline Exchange exchanges[1024 / WARP];

inline void yield() { swapcontext(&state.fibers[state.current].context, &state.scheduler); }
}  // namespace shim

inline dim3 threadIdx, blockIdx, gridDim;

namespace shim {
inline std::vector<long long> barriers;  // that every fiber has reached
}

inline void __syncthreads() {
    using namespace shim;
    const int self = state.current;
    const long long mine = ++barriers[self];
    for (;;) {
        bool all = true;
        for (int other = 0; other < state.threads; ++other) {
            all = all && (barriers[other] >= mine || state.fibers[other].done);
        }
        if (all) return;
        state.fibers[self].at_barrier = true;
        yield();
    }
}

template <typename T>
inline T __ldg(const T* at) { return *at; }

inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const std::uint64_t both = (std::uint64_t(y) << 32) | x;
    unsigned result = 0;
    for (int i = 0; i < 4; ++i) {
        result |= unsigned(both >> (8 * ((selector >> (4 * i)) & 7)) & 255u) << (8 * i);
    }
    return result;
}

inline int __float2int_rn(float value) { return int(std::nearbyint(value)); }

namespace shim {
inline void enter() {
    state.entry(state.arguments);
    state.fibers[state.current].done = true;
    yield();
}

template <typename... A, std::size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>) {
    kernel(*static_cast<std::remove_reference_t<A>*>(arguments[I])...);
}

template <typename... A>
void call(void (*kernel)(A...), void** arguments) {
    call(kernel, arguments, std::index_sequence_for<A...>{});
}

inline void run(void (*entry)(void**), int grid, int threads, int shared, bool descending, void** arguments) {
    state.threads = threads;
    state.entry = entry;
    state.arguments = arguments;
    state.fibers.resize(threads);
    state.stacks.resize(threads * STACK);
    barriers.assign(threads, 0);
    gridDim = {grid, 1, 1};
    for (int block = 0; block < grid; ++block) {
        blockIdx = {block, 0, 0};
        state.dynamic.assign(shared / 16 + 1, make_uint4(0x7fc07fc0, ~0u, 0x7fc07fc0, ~0u));  // NaN until written
        std::fill(barriers.begin(), barriers.end(), 0);
        std::memset(exchanges, 0, sizeof exchanges);
        for (int t = 0; t < threads; ++t) {
            Fiber& fiber = state.fibers[t];
            fiber.done = false;
            getcontext(&fiber.context);
            fiber.context.uc_stack.ss_sp = state.stacks.data() + t * STACK;
            fiber.context.uc_stack.ss_size = STACK;
            fiber.context.uc_link = &state.scheduler;
            makecontext(&fiber.context, enter, 0);
        }
        for (bool any = true; any;) {
            any = false;
            for (int i = 0; i < threads; i += WARP) {
                const int first = descending ? threads - WARP - i : i;
                bool further = true;  // a thread of the warp is waiting for the warp alone
                while (further) {
                    further = false;
                    for (int lane = 0; lane < WARP; ++lane) {
                        const int t = first + (descending ? WARP - 1 - lane : lane);
                        Fiber& fiber = state.fibers[t];
                        if (fiber.done) continue;
                        any = true;
                        state.current = t;
                        threadIdx = {t, 0, 0};
                        fiber.at_barrier = false;
                        swapcontext(&state.scheduler, &fiber.context);
                        further = further || !(fiber.done || fiber.at_barrier);
                    }
                }
            }
        }
    }
}
}  // namespace shim

// The one entry point of the library: runs KERNEL, which the test names.
#define SHIM_ENTRY(KERNEL)                                                                                  \
    extern "C" void shim_run(int grid, int threads, int shared, int descending, void** arguments) {         \
        shim::run([](void** a) { shim::call(KERNEL, a); }, grid, threads, shared, descending != 0, arguments); \
    }
