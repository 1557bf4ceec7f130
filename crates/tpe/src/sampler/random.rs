//! Random search.

use super::{Ask, Exhausted, Sampler, Suggestion, draw_prior};
use crate::rng::{Purpose, Stream};

/// Every point from the prior, whatever is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Random;

impl Sampler for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn suggest(&self, ask: &Ask<'_>) -> Result<Suggestion, Exhausted> {
        let mut random = Stream::new(ask.seed, Purpose::Suggest, ask.number);
        let point = ask.walk(|index| draw_prior(ask.space.nodes()[index].domain(), random.uniform()));
        Ok(Suggestion::unweighed(point))
    }
}
