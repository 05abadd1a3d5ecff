//! Generates random numbers.

/// Generates random numbers by xorshift.
pub(super) struct Random(u64);

impl Random {
    /// Starts a sequence of its own for each seed.
    pub(super) fn new(seed: u64) -> Self {
        // The finalizer of SplitMix64, because consecutive seeds must not give similar sequences.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ (state >> 31)) | 1)
    }

    /// Returns a number below `bound`, which is small.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    /// Returns true once in `count` times.
    pub(super) fn once_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// Returns one of `choices`.
    pub(super) fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Returns a range within `0..len`, seldom a long one.
    pub(super) fn range(&mut self, len: usize) -> core::ops::Range<usize> {
        let start = self.below(len + 1);
        let longest = (len - start).min(if self.once_in(4) { len } else { 3 });
        start..start + self.below(longest + 1)
    }
}
