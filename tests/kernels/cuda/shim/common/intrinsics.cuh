// The twin of kernels/common/intrinsics.cuh: what the instructions do, written out.
#pragma once

#define DYNAMIC_SHARED(name) uint4* name = shim::state.dynamic.data()

inline unsigned add_low(unsigned pair, unsigned sum) { return sum + (pair & 0xffffu); }
inline unsigned add_high(unsigned pair, unsigned sum) { return sum + (pair >> 16); }

namespace shim {
inline float half_value(unsigned bits) {
    const unsigned exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float magnitude = exponent == 31 ? NAN
                            : exponent     ? std::ldexp(1.0f + fraction / 1024.0f, int(exponent) - 15)
                                           : std::ldexp(fraction / 1024.0f, -14);
    return bits >> 15 & 1 ? -magnitude : magnitude;
}

// Every thread shows its fragments, waits for its warp, sums its own four elements, and waits for the others' reading.
template <typename Sum, int PER_WORD, typename A, typename B>
void mma(Sum (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2], A a_value, B b_value) {
    const int lane = state.current % WARP, warp = state.current / WARP;
    Exchange& shown = exchanges[warp];
    const long long turn = shown.left / WARP;
    std::memcpy(shown.a[lane], a, sizeof a);
    std::memcpy(shown.b[lane], b, sizeof b);
    ++shown.arrived;
    while (shown.arrived < (turn + 1) * WARP) yield();
    const unsigned mask = PER_WORD == 2 ? 0xffffu : 0xffu;
    const int bits = 32 / PER_WORD;
    for (int i = 0; i < 4; ++i) {
        const int row = lane / 4, column = lane % 4 * 2 + i % 2, lower = i / 2;
        for (int word = 0; word < 8; ++word) {
            const unsigned from_a = shown.a[row * 4 + word % 4][lower + (word / 4) * 2];
            const unsigned from_b = shown.b[column * 4 + word % 4][word / 4];
            for (int k = 0; k < PER_WORD; ++k) {
                sums[i] += a_value(from_a >> (k * bits) & mask) * b_value(from_b >> (k * bits) & mask);
            }
        }
    }
    ++shown.left;
    while (shown.left < (turn + 1) * WARP) yield();
}

inline int signed_byte(unsigned bits) { return std::int8_t(bits); }
inline int unsigned_byte(unsigned bits) { return int(bits); }
}  // namespace shim

inline void mma_f16(float (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    shim::mma<float, 2>(sums, a, b, shim::half_value, shim::half_value);
}

inline void mma_s8(int (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    shim::mma<int, 4>(sums, a, b, shim::signed_byte, shim::signed_byte);
}
inline void mma_u8(int (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    shim::mma<int, 4>(sums, a, b, shim::unsigned_byte, shim::signed_byte);
}
