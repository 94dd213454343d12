// Convolution (and matrix product) through a table that is `scale * sum_r U_r[a] V_r[w]` over the integers, on tensor
// cores: activation codes are mapped through U on their way into shared memory, one plane r after the other, so the r
// planes exist nowhere but in the tile at hand.
//
// A block of eight warps sums 128 positions x 32 * NT outputs. A row of a tile is 64 bytes of terms (32 of 16 bits, 64
// of 8 bits) in 80 bytes of shared memory, which puts the eight rows that are touched together into different banks.
// Two tiles take turns: warps that are done multiplying map the next one meanwhile.
#include "common/conv.cuh"
#include "common/intrinsics.cuh"

constexpr int THREADS = 256;
constexpr int ROWS = 128;
constexpr int ROW_WORDS = 20;  // 64 bytes and 16 of padding

struct F16 {
    using Sum = float;
    static constexpr int OCTETS = 4;  // of terms in a row
    static constexpr int PLANES = 2;  // in a word of the U table
    __device__ static void mma(float (&s)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_f16(s, a, b); }
};
struct S8 {
    using Sum = int;
    static constexpr int OCTETS = 8;
    static constexpr int PLANES = 4;
    __device__ static void mma(int (&s)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_s8(s, a, b); }
};
struct U8 : S8 {
    __device__ static void mma(int (&s)[4], const unsigned (&a)[4], const unsigned (&b)[2]) { mma_u8(s, a, b); }
};

// Sums below 2^24 are exact integers in a float.
__device__ inline int integer(float sum) {
    return __float2int_rn(sum);
}
__device__ inline int integer(int sum) {
    return sum;
}

// A walk through the octets of a receptive field in steps, without division.
struct Walk {
    int octet;
    int tap_row;
    int tap_column;

    __device__ void advance(const Conv& conv, int octets) {
        octet += octets;
        while (octet >= conv.octets) {
            octet -= conv.octets;
            if (++tap_column == conv.kernel_w) {
                tap_column = 0;
                ++tap_row;
            }
        }
    }
};

// Map one octet of codes through the U table: `table` is this thread's own copy, `plane` the plane's place in a word.
template <typename Kind>
__device__ inline void map_octet(uint2 codes, const unsigned* table, int copies, int plane, unsigned* mapped) {
    unsigned words[8];
#pragma unroll
    for (int j = 0; j < 8; ++j) {
        words[j] = table[(((j < 4 ? codes.x : codes.y) >> (j % 4 * 8)) & 255u) * copies];
    }
    if (Kind::PLANES == 2) {
        const unsigned halves = plane ? 0x7632 : 0x5410;
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            mapped[j] = __byte_perm(words[2 * j], words[2 * j + 1], halves);
        }
    } else {
        const unsigned bytes = plane | (plane + 4) << 4;
#pragma unroll
        for (int j = 0; j < 2; ++j) {
            const unsigned low = __byte_perm(words[4 * j], words[4 * j + 1], bytes);
            const unsigned high = __byte_perm(words[4 * j + 2], words[4 * j + 3], bytes);
            mapped[j] = __byte_perm(low, high, 0x5410);
        }
    }
}

template <typename Kind, int WIDTH, bool FLUSHES>
__device__ inline void factored_conv2d_tile(
    const Conv& conv, const uint2* x, const uint4* weights, const unsigned* u, int planes, int copies, int flush,
    int scale, void* out) {
    constexpr int COLUMNS = 32 * WIDTH;
    constexpr int OWN = Kind::OCTETS / 2;  // octets of its row that a thread maps
    constexpr int WORDS = 16 / Kind::OCTETS;  // of a mapped octet
    constexpr int CHUNKS = (COLUMNS * 4 + THREADS - 1) / THREADS;  // 16 bytes of weights that a thread copies

    DYNAMIC_SHARED(shared);
    unsigned* tiles = reinterpret_cast<unsigned*>(shared);
    unsigned* table = tiles + 2 * (ROWS + COLUMNS) * ROW_WORDS;
    const int words = (planes + Kind::PLANES - 1) / Kind::PLANES * 256;
    for (int at = threadIdx.x; at < words * copies; at += THREADS) {
        table[at] = __ldg(u + at / copies);
    }

    const int blocks = (conv.group_outputs + COLUMNS - 1) / COLUMNS;
    const int column = blockIdx.x % (conv.groups * blocks);
    const int group = column / blocks;
    const int first = blockIdx.x / (conv.groups * blocks) * ROWS;
    const int count = positions(conv);
    const int octets = conv.kernel_h * conv.kernel_w * conv.octets;
    const int stages = (octets + Kind::OCTETS - 1) / Kind::OCTETS;

    // The row that this thread maps, and which half of it.
    const int row = threadIdx.x % ROWS;
    const int half = threadIdx.x / ROWS;
    const Position at = position(conv, min(first + row, count - 1));
    const int start = first_octet(conv, at, group);
    Walk walk = {0, 0, 0};
    walk.advance(conv, half * OWN);
    const unsigned* own_table = table + threadIdx.x % copies;

    const int lane = threadIdx.x % 32;
    const int warp = threadIdx.x / 32;
    const int fragment = lane / 4 * ROW_WORDS + lane % 4;
    typename Kind::Sum sums[4][WIDTH][4] = {};
    int flushed[FLUSHES ? 4 : 1][FLUSHES ? WIDTH : 1][4] = {};

    uint2 codes[OWN];
    uint4 chunks[CHUNKS];
    const auto load_codes = [&]() {
        Walk next = walk;
#pragma unroll
        for (int k = 0; k < OWN; ++k) {
            codes[k] = make_uint2(0, 0);  // beyond the last octet weights are zero
            if (next.tap_row < conv.kernel_h) {
                codes[k] = __ldg(
                    x + start + (next.octet * conv.height + next.tap_row * conv.dilation_h) * conv.width +
                    next.tap_column * conv.dilation_w);
            }
            next.advance(conv, 1);
        }
        walk.advance(conv, Kind::OCTETS);
    };
    const auto load_weights = [&](int stage, int plane) {
        const uint4* tile = weights + (((long long)column * stages + stage) * planes + plane) * (COLUMNS * 4);
#pragma unroll
        for (int k = 0; k < CHUNKS; ++k) {
            const int chunk = k * THREADS + threadIdx.x;
            if (chunk < COLUMNS * 4) {
                chunks[k] = __ldg(tile + chunk);
            }
        }
    };

    load_codes();
    load_weights(0, 0);
    __syncthreads();
    int turn = 0, since_flush = 0;
    for (int stage = 0; stage < stages; ++stage) {
        for (int plane = 0; plane < planes; ++plane) {
            unsigned* a_tile = tiles + turn * (ROWS + COLUMNS) * ROW_WORDS;
            unsigned* b_tile = a_tile + ROWS * ROW_WORDS;
            turn ^= 1;
            unsigned mapped[8];
#pragma unroll
            for (int k = 0; k < OWN; ++k) {
                map_octet<Kind>(
                    codes[k], own_table + plane / Kind::PLANES * 256 * copies, copies, plane % Kind::PLANES,
                    mapped + k * WORDS);
            }
            uint4* own_row = reinterpret_cast<uint4*>(a_tile + row * ROW_WORDS + half * 8);
            own_row[0] = make_uint4(mapped[0], mapped[1], mapped[2], mapped[3]);
            own_row[1] = make_uint4(mapped[4], mapped[5], mapped[6], mapped[7]);
#pragma unroll
            for (int k = 0; k < CHUNKS; ++k) {
                const int chunk = k * THREADS + threadIdx.x;
                if (chunk < COLUMNS * 4) {
                    *reinterpret_cast<uint4*>(b_tile + chunk / 4 * ROW_WORDS + chunk % 4 * 4) = chunks[k];
                }
            }
            // One barrier: whoever passes it has finished with the tile before the last, which is written next.
            __syncthreads();
            const bool last_plane = plane + 1 == planes;
            if (!last_plane || stage + 1 < stages) {
                load_weights(stage + last_plane, last_plane ? 0 : plane + 1);
                if (last_plane) {
                    load_codes();
                }
            }
            const unsigned* a_at = a_tile + warp % 2 * 64 * ROW_WORDS + fragment;
            const unsigned* b_at = b_tile + warp / 2 * 8 * WIDTH * ROW_WORDS + fragment;
#pragma unroll
            for (int k = 0; k < 16; k += 8) {
                unsigned b[WIDTH][2];
#pragma unroll
                for (int n = 0; n < WIDTH; ++n) {
                    b[n][0] = b_at[n * 8 * ROW_WORDS + k];
                    b[n][1] = b_at[n * 8 * ROW_WORDS + k + 4];
                }
#pragma unroll
                for (int m = 0; m < 4; ++m) {
                    const unsigned a[4] = {
                        a_at[m * 16 * ROW_WORDS + k], a_at[(m * 16 + 8) * ROW_WORDS + k],
                        a_at[m * 16 * ROW_WORDS + k + 4], a_at[(m * 16 + 8) * ROW_WORDS + k + 4]};
#pragma unroll
                    for (int n = 0; n < WIDTH; ++n) {
                        Kind::mma(sums[m][n], a, b[n]);
                    }
                }
            }
        }
        if (FLUSHES && ++since_flush == flush) {
            since_flush = 0;
#pragma unroll
            for (int m = 0; m < 4; ++m) {
#pragma unroll
                for (int n = 0; n < WIDTH; ++n) {
#pragma unroll
                    for (int i = 0; i < 4; ++i) {
                        flushed[FLUSHES ? m : 0][FLUSHES ? n : 0][i] += integer(sums[m][n][i]);
                        sums[m][n][i] = 0;
                    }
                }
            }
        }
    }
    const int output = (column - group * blocks) * COLUMNS + warp / 2 * WIDTH * 8 + lane % 4 * 2;
#pragma unroll
    for (int m = 0; m < 4; ++m) {
#pragma unroll
        for (int lower = 0; lower < 2; ++lower) {
            const int index = first + warp % 2 * 64 + m * 16 + lower * 8 + lane / 4;
            if (index >= count) {
                continue;
            }
            const long long offset = out_offset(conv, index) + (group * conv.group_outputs + output) * conv.out_channel;
#pragma unroll
            for (int n = 0; n < WIDTH; ++n) {
#pragma unroll
                for (int i = 0; i < 2; ++i) {
                    if (output + n * 8 + i < conv.group_outputs) {
                        int sum = integer(sums[m][n][lower * 2 + i]);
                        if (FLUSHES) {
                            sum += flushed[FLUSHES ? m : 0][FLUSHES ? n : 0][lower * 2 + i];
                        }
                        write_sum(conv, out, offset + (n * 8 + i) * conv.out_channel, (long long)sum * scale);
                    }
                }
            }
        }
    }
}

// x: octets of activation codes. weights: mapped through V, [group][output / (32 NT)][stage][plane][32 NT][64 bytes].
// u: words [plane / planes-in-a-word][activation code 256]. copies: a power of two up to 32, of the U table in shared
// memory, so that threads don't meet in a bank. flush: stages after which floating sums move into integers.
// Compiled once per kind (KIND), width (NT) and with or without flushing (FLUSH).
extern "C" __global__ void __launch_bounds__(THREADS, 2) factored_conv2d(
    Conv conv, const uint2* x, const uint4* weights, const unsigned* u, int planes, int copies, int flush, int scale,
    void* out) {
    factored_conv2d_tile<KIND, NT, FLUSH>(conv, x, weights, u, planes, copies, flush, scale, out);
}
