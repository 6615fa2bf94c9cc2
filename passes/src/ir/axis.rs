//! The sizes of a convolution or window along one axis.

/// Sizes along one spatial axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axis {
    /// Input size.
    pub input: usize,
    /// Output size.
    pub output: usize,
    /// Taps.
    pub kernel: usize,
    /// Step from one output to the next.
    pub stride: usize,
    /// Step from one tap to the next.
    pub dilation: usize,
    /// Padding before and after.
    pub pad: [usize; 2],
}

impl Axis {
    /// Positions from the first tap to the last, both counted.
    pub fn span(&self) -> usize {
        self.dilation * (self.kernel.max(1) - 1) + 1
    }
    /// How many outputs there are, with `ceil` rounded up, but none that starts behind the input; `None` where the padded
    /// input has no room for the kernel.
    pub fn outputs(&self, ceil: bool) -> Option<usize> {
        let room = (self.input + self.pad[0] + self.pad[1]).checked_sub(self.span())?;
        if !ceil {
            return Some(room / self.stride + 1);
        }
        let n = room.div_ceil(self.stride) + 1;
        Some(if (n - 1) * self.stride >= self.input + self.pad[0] { n - 1 } else { n })
    }
    /// How far the taps of the last output reach behind the input.
    pub fn overhang(&self) -> usize {
        let reach = self.output.saturating_sub(1) * self.stride + self.span();
        reach.saturating_sub(self.pad[0] + self.input)
    }
    /// The position tap `k` of output `o` reads; negative in the padding before the input.
    pub fn at(&self, o: isize, k: usize) -> isize {
        o * self.stride as isize + (k * self.dilation) as isize - self.pad[0] as isize
    }
    /// The input position tap `k` of output `o` reads, if it is not padding.
    pub fn source(&self, o: usize, k: usize) -> Option<usize> {
        (o * self.stride + k * self.dilation).checked_sub(self.pad[0]).filter(|&i| i < self.input)
    }
    /// The outputs whose tap `k` reads the input rather than padding, as `lo..hi`.
    pub fn inside(&self, k: usize) -> (usize, usize) {
        let at = k * self.dilation;
        let lo = self.pad[0].saturating_sub(at).div_ceil(self.stride);
        let end = self.input + self.pad[0];
        let hi = if end > at { (end - at - 1) / self.stride + 1 } else { 0 };
        let hi = hi.min(self.output);
        (lo.min(hi), hi)
    }
    /// The taps of output `o` that read the input, as `lo..hi` (dilation 1).
    pub fn taps(&self, o: usize) -> (usize, usize) {
        let at = o * self.stride;
        let lo = self.pad[0].saturating_sub(at);
        let hi = (self.input + self.pad[0]).saturating_sub(at).min(self.kernel);
        (lo.min(hi), hi)
    }
    /// The input positions that output `o` reads (dilation 1).
    pub fn reads(&self, o: usize) -> std::ops::Range<usize> {
        let (lo, hi) = self.taps(o);
        let first = (o * self.stride + lo).saturating_sub(self.pad[0]).min(self.input);
        first..first + (hi - lo)
    }
    /// The taps of output `o` inside the padded input (dilation 1).
    pub fn padded_taps(&self, o: usize) -> usize {
        (self.input + self.pad[0] + self.pad[1]).saturating_sub(o * self.stride).min(self.kernel)
    }
}
