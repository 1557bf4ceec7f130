use nn_core::rng::{Purpose, Stream};

/// The random numbers of one face, as `f32`.
#[derive(Clone, Debug)]
pub struct Dice(Stream);

impl Dice {
    /// The numbers of image `i` of split `split`: image 7 looks the same whether or not image 6 was drawn.
    pub fn new(seed: u64, split: u64, i: u64) -> Self {
        Self(Stream::new(seed, Purpose::Synthesise, split, i))
    }

    /// Uniform in `[0, 1)`: the top 24 bits of a word, which an `f32` holds exactly.
    pub fn unit(&mut self) -> f32 {
        (self.0.word() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Bell-shaped with mean 0 and variance 1, within ±3.5: the centred sum of four uniforms.
    ///
    /// Var(U) = 1/12, so the sum of four has variance 1/3. Only additions and a product: the same bits
    /// everywhere, which a logarithm and a cosine would not promise.
    pub fn bell(&mut self) -> f32 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 1.732_050_8
    }
}
